#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "orchestrator/state/run_view.h"
#include "tests/sim/sim_world.h"

namespace dml::engine {

// What one seed decides: the graph, the policies, and which kinds of trouble there are at all.
struct Scenario {
  pipelines::ExpandedPipeline pipeline;
  RunOptions options;
  double cpus = 1;
  std::int64_t memory_bytes = 0;
  bool failures = false;
  bool losses = false;
  bool echoes = false;        // messages about attempts that are over, and duplicates
  bool refusals = false;      // launches that the node does not take, all or some of a batch
  bool lost_replies = false;  // attempts that are given up as lost and go on
  bool hangs = false;         // attempts that end by their timeout, and not by TERM
  bool full_disks = false;
  bool cancels = false;
  bool clock_jumps = false;  // of the wall clock
  bool power_losses = false;
  bool lost_blobs = false;  // somebody deletes files of the store, at any time
  bool survivors = false;   // attempts outlive the process that drives the run, as on a far node
  bool unsteady = false;    // some steps leave something else each time
  bool shifting = false;    // somebody writes files that tasks read, at any time
  int crashes = 0;

  // `all_kinds`: else without the kinds of trouble that came after the first seeds were noted down
  // for what they had found, so that these still find it.
  static Scenario From(std::uint64_t seed, bool all_kinds = true);
  // The same work without any trouble.
  [[nodiscard]] Scenario Undisturbed() const;
};

// What a run left: for every task that has outputs, what they are.
using Outcome = std::map<std::string, Digest>;

// Counters over all seeds, to show that the faults happened.
struct SimCounts {
  bool trace = false;  // print what happens
  std::uint64_t lives = 0;
  std::uint64_t crashes = 0;
  std::uint64_t power_losses = 0;
  std::uint64_t lost_logs = 0;  // deaths because the log could not be written
  std::uint64_t attempts = 0;
  std::uint64_t adopted = 0;
  std::uint64_t retaken_commits = 0;
  std::uint64_t lost_inputs = 0;  // attempts whose inputs went while they were on their way
  std::uint64_t hangs = 0;
  std::uint64_t outdated = 0;  // tasks that were done again since what they had read had changed
  std::uint64_t stranded = 0;  // runs that ended for want of something, and were resumed
  std::uint64_t given_up = 0;  // attempts that went on after they were given up
  std::uint64_t looks = 0;     // at files that only nodes have
  std::uint64_t shifts = 0;    // files that were written while the run had not ended
};

// Runs the production loop, scheduler, resolver, artifact store, recovery and database over a
// scripted node and a disk in memory, in virtual time and on one thread, and checks from the
// outside that promises are kept. The process dies when the seed says so, and another one resumes.
class SimulatedRun {
 public:
  SimulatedRun(std::uint64_t seed, Scenario scenario, std::string folder, SimCounts& counts);
  ~SimulatedRun();
  SimulatedRun(const SimulatedRun&) = delete;
  SimulatedRun& operator=(const SimulatedRun&) = delete;
  // What went wrong, one line each; empty is good.
  std::vector<std::string> Run();
  [[nodiscard]] const Outcome& outcome() const { return outcome_; }

 private:
  class Node;
  class Committer;
  class Writer;
  class Watcher;

  // One process: begins or resumes; true once the run has ended.
  bool Live();
  void Drive(RunLoop& loop);
  std::vector<Message> Receive();
  void Die();
  void LoseBlob();
  void ShiftFile();
  void CheckChange(const TaskUpdate& update);
  void CheckLaunch(const runners::LaunchSpec& spec);
  void CheckStore();
  void CheckEnds(const std::vector<state::TaskView>& tasks);
  [[nodiscard]] bool HasCause(TaskId unit);
  void CheckOutputs(const state::TaskView& task);
  void CheckLineage(const std::vector<state::TaskView>& tasks);
  void CheckFiles(const state::TaskView& task);
  void Check(bool good, const std::string& what) {
    if (!good) complaints_.push_back(what);
    if (!good) Trace("COMPLAINT " + what);
  }
  void Trace(const std::string& what) const;
  std::uint64_t Draw(std::uint64_t bound) { return random_.Below(bound, draws_++); }
  Duration Delay() { return Duration::Millis(static_cast<std::int64_t>(Draw(2000))); }

  Philox random_;
  std::uint64_t draws_ = 0;
  Scenario scenario_;
  SimCounts& counts_;
  CrashSwitch crash_;
  SimClock clock_{crash_};
  Post post_;
  SimDisk disk_{crash_};
  Home home_;
  int boots_ = 1;
  int deaths_ = 0;
  bool log_lost_ = false;  // of the process that lives
  int cancels_left_ = 0;
  int resumes_left_ = 2;  // of a run that ends for want of a disk, a worker or a node
  int shifts_left_ = 6;
  std::optional<RunId> run_;
  state::RunStore* store_ = nullptr;  // of the process that lives
  std::unique_ptr<Node> node_;
  pipelines::ExpandedPipeline& pipeline_;
  core::Fusion fusion_;

  // What the script did to a task: nothing else may make it fail.
  struct Causes {
    int task = 0;
    int final = 0;  // failures that are never repeated
    int infrastructure = 0;
    int robbed = 0;  // of those, for want of an input
    [[nodiscard]] int all() const { return task + final + infrastructure; }
  };
  std::map<TaskId, Causes> causes_;
  std::set<std::pair<TaskId, AttemptNumber>> given_up_;  // attempts, as the log has it
  std::map<TaskId, std::uint32_t> last_attempt_;
  std::map<TaskId, int> launches_;
  std::map<TaskId, int> second_chances_;  // tasks that had failed and were taken up again
  std::set<TaskId> remakes_;              // tasks whose outputs were deleted
  std::set<std::string> gone_;            // files that were deleted while the process lived
  int losses_ = 0;                        // how often somebody deleted a file
  Outcome outcome_;
  std::vector<std::string> complaints_;
};

}  // namespace dml::engine

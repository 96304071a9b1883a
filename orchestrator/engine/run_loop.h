#pragma once

#include <cstring>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>
#include <vector>

#include "base/process.h"
#include "orchestrator/core/scheduler.h"
#include "orchestrator/engine/background.h"
#include "orchestrator/engine/key_locks.h"
#include "orchestrator/engine/log_writer.h"
#include "orchestrator/engine/observer.h"
#include "orchestrator/engine/prefetch.h"
#include "orchestrator/engine/session.h"
#include "orchestrator/engine/task_resolver.h"

namespace dml::engine {

// What a run is made of. Everything outlives the loop. Clock, runner, store and background are the
// seams at which the simulation takes over.
struct RunParts {
  const Home& home;
  const pipelines::ExpandedPipeline& pipeline;
  const RunOptions& options;
  const Clock& clock;
  RunObserver& observer;
  runners::Runner& runner;
  Background& background;
  state::RunStore& store;        // the loop reads it, and begins and ends the run
  LogWriter& log;                // everything in between
  const core::TaskGraph& graph;  // of units
  const core::Fusion& fusion;
  const Selection& selection;
  std::string boot = BootId();  // of this machine: what files of before its start are worth
  StoreFiles& disk = DiskFiles();
};

// Why a task is not part of a run.
inline constexpr char kNotNeeded[] = "not needed for --until";

// The one loop that performs effects:
//   messages -> Scheduler::Apply -> append everything in one transaction -> act -> sleep.
// Nothing is acted upon before it is durable; while one batch of decisions is being made durable,
// the next is made. All decisions are the scheduler's. Not thread-safe: one thread calls Begin() or
// Resume(), then Turn() until Done(), then Finish().
class RunLoop {
 public:
  explicit RunLoop(const RunParts& parts);

  // Records the run and makes the first turn due.
  Result<void> Begin();
  // Goes on with an earlier run of the same tasks (else kInvalid) where the store left it: asks the
  // runner for attempts under way, stores again what was being stored, and makes the first turn
  // due. Every later turn is like that of any other run.
  Result<void> Resume(RunId run, const state::RunSnapshot& snapshot);
  // Takes in what has arrived. An error means that the store can no longer be trusted to hear
  // about the run: the caller stops the runner.
  Result<void> Turn(const std::vector<Message>& messages);
  [[nodiscard]] bool Done() const {
    return scheduler_.Done() && !writing_ && planned_.changes.empty();
  }
  // When the next turn is due even if nothing arrives; none: only then.
  [[nodiscard]] std::optional<Instant> NextWakeup() const;
  // How long news may wait for more news while workers have enough to do.
  [[nodiscard]] Duration Patience() const;
  Result<RunResult> Finish();

  [[nodiscard]] RunId run() const { return run_; }
  [[nodiscard]] const core::Scheduler& scheduler() const { return scheduler_; }

 private:
  // A unit that was decided to run and is not final yet.
  struct Active {
    PreparedTask task;
    std::string reason;
    Instant launched{0};
    bool retaken = false;   // its commit was begun by an earlier process
    bool ended = false;     // what its attempt came to has been heard: that stands
    bool outdated = false;  // its producers have left something else since: it ends for nothing
    Json metrics;           // these three: what the attempt said when it ended
    std::vector<std::string> warnings;
    runners::ResourceUsage usage;
  };

  [[nodiscard]] Result<void> CheckSame(const state::RunSnapshot& snapshot) const;
  void Restore(const state::RunSnapshot& snapshot);
  [[nodiscard]] Result<std::set<TaskId>> Overtaken(const state::RunSnapshot& snapshot);
  Result<void> FindAttempts(const state::RunSnapshot& snapshot, const std::set<TaskId>& overtaken);
  Result<void> FindAttempt(TaskId unit, AttemptNumber attempt, bool overtaken);
  [[nodiscard]] Result<bool> HasItsInputs(TaskId unit);
  void TakeUpCommits(const state::RunSnapshot& snapshot, const std::set<TaskId>& overtaken);
  Result<void> FindOutputs();
  [[nodiscard]] Result<std::vector<TaskId>> LostOutputs(std::vector<TaskId> readers);
  Result<bool> LoadResult(TaskId unit);
  Result<bool> LoadOutputs(TaskId unit);
  bool MakeInputsAgain(TaskId unit);
  Result<bool> StillHolds(TaskId unit);

  // What decisions entail once they are durable.
  struct Effects {
    std::vector<core::Change> changes;
    std::vector<runners::LaunchSpec> launches;
    std::vector<core::Kill> kills;
    std::vector<CommitJob> commits;
    std::vector<std::string> discards;
  };

  // A digest is as good as random already.
  struct ByFirstBytes {
    std::size_t operator()(const Digest& digest) const {
      std::size_t first = 0;
      std::memcpy(&first, digest.bytes.data(), sizeof first);
      return first;
    }
  };

  void Take(const Message& message);
  void Hear(const runners::AttemptStarted& event);
  void Hear(const runners::AttemptProgress& event);
  void Hear(const runners::AttemptExited& event);
  void Hear(const runners::AttemptLost& event);
  std::optional<std::string> ChangedFile(const PreparedTask& task);
  void HearSuccess(const runners::AttemptExited& event);
  void Hear(const CommitReport& report);
  void Hear(const FileHashed& hashed);
  void Hear(const runners::FilesLooked& looked);
  void Hear(const LogWritten& written);
  void Fail(const runners::AttemptKey& key, core::FailureKind kind, int exit_code, Error error);
  Error Located(Error error, const pipelines::TaskDecl& decl);

  void Plan(const core::Change& change);
  void Plan(const core::Resolve& command) { unresolved_.push_back(command.task); }
  void Plan(const core::Recheck& command) { Recheck(command.task); }
  void Plan(const core::Launch& command);
  void Plan(const core::Commit& command);
  void Plan(const core::Kill& command);
  void Log(TaskId unit, core::TaskState to, AttemptNumber attempt, const std::string& reason,
           core::FailureKind failure);
  void LogReady();
  [[nodiscard]] std::string WhyUndecided(TaskId unit) const;
  void ResolveSome();
  void Resolve(TaskId unit);
  void Recheck(TaskId unit);
  bool Look(TaskId unit, const MustLook& wanted);
  void LookAnew(const PreparedTask& task);
  bool EndsForNothing(const runners::AttemptKey& key);
  void Run(TaskId unit, MustRun verdict);
  [[nodiscard]] bool Shares(const PreparedTask& task) const;
  // Whether the unit is now the one of its key that runs, here and in other processes.
  bool TakeFlight(TaskId unit, const PreparedTask& task);
  void LookAgain();
  void Reuse(TaskId unit, MayReuse verdict);
  static state::TaskResult ResultOf(const Active& active, std::vector<Artifact> outputs);
  void Complete(TaskId unit, AttemptNumber attempt, std::vector<Artifact> outputs);
  void LeaveBehind(TaskId unit);
  void LeaveFlight(TaskId unit);
  void Forget(TaskId unit, core::TaskState was);

  void Persist();
  void CarryOut(Effects effects);
  void Announce(core::Change change);
  void LaunchAll(std::vector<runners::LaunchSpec> batch);

  [[nodiscard]] runners::AttemptKey Key(TaskId unit, AttemptNumber attempt) const {
    return {run_, unit, attempt};
  }
  [[nodiscard]] bool IsCurrent(const runners::AttemptKey& key) const;
  bool IsItsEnd(const runners::AttemptKey& key);
  [[nodiscard]] std::string AttemptPath(const runners::AttemptKey& key) const;

  RunParts parts_;
  ArtifactStore artifacts_;
  FileDigests files_;
  NodeFiles node_files_;
  TaskResolver resolver_;
  core::Scheduler scheduler_;
  Prefetch prefetch_;
  int prefetch_depth_ = 0;
  int places_sought_ = 0;  // in the text of the pipeline, for failures
  RunId run_;
  Instant started_{0};

  IdMap<TaskId, core::TaskState> states_;  // as of the last Apply
  IdMap<TaskId, core::TaskState> logged_;  // as the log has it: states of a moment are left out
  std::vector<TaskId> unlogged_;           // where it may be behind
  Instant last_launch_{0};                 // or when the loop began
  IdMap<TaskId, std::optional<state::TaskResult>> results_;
  IdMap<TaskId, std::string> reasons_;  // why those that run, run
  IdMap<TaskId, std::unique_ptr<Active>> active_;
  std::unordered_map<Digest, std::vector<TaskId>, ByFirstBytes> flights_;  // key -> who waits
  KeyLocks key_locks_;
  const bool may_be_shared_;       // others may be at work on the same store
  std::vector<TaskId> elsewhere_;  // an equal task is under way in another process
  Instant look_again_{0};          // at whether it has ended
  std::map<std::string, std::vector<TaskId>> awaiting_hash_;  // path -> who waits for it
  // Of files that only nodes have, by node and pattern: units that wait for a look, and attempts of
  // an earlier process that cannot be told from what they read before it.
  struct AwaitedLook {
    std::vector<TaskId> units;
    std::vector<std::pair<TaskId, AttemptNumber>> attempts;
  };
  std::map<std::pair<std::string, std::string>, AwaitedLook> awaiting_look_;
  std::map<TaskId, Digest> launched_keys_;  // of attempts of an earlier process
  std::deque<TaskId> unresolved_;

  std::vector<core::Event> events_;
  std::vector<core::Command> commands_;
  state::Batch batch_;  // decided, and not yet on its way to the disk
  Effects planned_;     // of that
  Effects written_;     // of the batch that is being made durable
  bool writing_ = false;
  Instant last_write_{0};
  Result<void> log_state_;
  CommitCost commit_cost_;
};

}  // namespace dml::engine

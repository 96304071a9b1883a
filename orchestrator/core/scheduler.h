#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "base/result.h"
#include "orchestrator/core/ready_queue.h"
#include "orchestrator/core/retry.h"
#include "orchestrator/core/task_graph.h"
#include "orchestrator/core/task_state.h"

namespace dml::core {

// What the scheduler has to know of a task.
struct TaskPolicy {
  pipelines::RetryPolicy retry;
  double cpus = 1;
  std::int64_t memory_bytes = 0;
  bool queueable = false;      // may wait inside a worker, ahead of capacity
  bool heeds_failures = true;  // a failed or skipped producer skips it; false with `if: always()`
  bool cleans_up = false;      // starts even if a failure keeps everything else from starting
  Duration expected{0};        // from earlier runs, 0 if unknown: the critical path
};

struct SchedulerOptions {
  double cpus = 1;
  std::int64_t memory_bytes = 0;  // 0: not accounted for
  int prefetch = 0;               // queueable tasks launched beyond `cpus`
  bool keep_going = false;
  std::uint64_t seed = 0;  // jitter of retries
};

// What happened. Events about an attempt that is not the task's current one are ignored: that is
// the fence. `Resolved` answers a Resolve command.
struct Started {};
struct ResolvedRun {
  TaskId task;
};
struct ResolvedReuse {
  TaskId task;
  std::string reason;
};
struct ResolvedSkip {
  TaskId task;
  std::string reason;
};
struct ResolvedFailure {
  TaskId task;
  Error error;
};
// A run that was restored goes on. Before it come, for what the restored states leave open,
// attempts of which nothing is left and outputs that are lost.
struct Resumed {};
struct AttemptVanished {
  TaskId task;
  AttemptNumber attempt;
};
// The store no longer holds what the task made, and somebody is to read it: it is made again. At
// any time; of several, producers before consumers.
struct OutputsLost {
  TaskId task;
};
// Answers a Recheck: what the task read is not what its producers left. One that is done is made
// again; an attempt has ended, whatever it came to.
struct Outdated {
  TaskId task;
  AttemptNumber attempt;
};
struct AttemptRunning {
  TaskId task;
  AttemptNumber attempt;
};
struct AttemptSucceeded {
  TaskId task;
  AttemptNumber attempt;
};
struct AttemptFailed {
  TaskId task;
  AttemptNumber attempt;
  FailureKind kind = FailureKind::kTask;
  int exit_code = 1;
  Error error;
};
struct AttemptStopped {  // ended because of a Kill command
  TaskId task;
  AttemptNumber attempt;
};
struct Committed {
  TaskId task;
  AttemptNumber attempt;
};
struct CapacityChanged {
  double cpus = 1;
  int prefetch = 0;
};
struct CancelRequested {
  bool at_once = false;
};
struct TimePassed {};
using Event = std::variant<Started, ResolvedRun, ResolvedReuse, ResolvedSkip, ResolvedFailure,
                           Resumed, AttemptVanished, OutputsLost, Outdated, AttemptRunning,
                           AttemptSucceeded, AttemptFailed, AttemptStopped, Committed,
                           CapacityChanged, CancelRequested, TimePassed>;

// What to do about it, in order. A Change is to be made durable before any command after it.
struct Change {
  TaskId task;
  TaskState from = TaskState::kBlocked;
  TaskState to = TaskState::kBlocked;
  AttemptNumber attempt;
  std::string reason;  // for people; empty where the move speaks for itself
  TaskId blamed{};     // the producer that the reason is about: "<its name> failed"
  FailureKind failure = FailureKind::kNone;  // of moves that end an attempt without success
};
struct Resolve {  // decide: run, reuse, skip or fail
  TaskId task;
};
// A producer was made again after the task had been launched, or had ended: decide whether what it
// read is still what there is.
struct Recheck {
  TaskId task;
};
struct Launch {
  TaskId task;
  AttemptNumber attempt;
  std::int64_t memory_bytes = 0;  // what it may use: more than declared after it ran out
};
struct Commit {
  TaskId task;
  AttemptNumber attempt;
};
struct Kill {
  TaskId task;
  AttemptNumber attempt;
  bool at_once = false;
};
using Command = std::variant<Change, Resolve, Recheck, Launch, Commit, Kill>;

// A task as the log left it.
struct RestoredTask {
  TaskState state = TaskState::kBlocked;
  AttemptNumber attempt;
  AttemptCounts counts;
  FailureKind last_failure = FailureKind::kNone;
};

// Decides what runs when. A pure state machine: no thread, clock, file or random source; equal
// events give equal commands. The cost of an event depends on the edges of its task, not on the
// size of the graph. Not thread-safe: one loop owns it. The graph must outlive it.
class Scheduler {
 public:
  Scheduler(const TaskGraph& graph, IdMap<TaskId, TaskPolicy> policies,
            const SchedulerOptions& options);

  // Tasks that are not wanted in this run count as done with `state`, which is final.
  void Preset(TaskId task, TaskState state);

  // Puts a task of an earlier process where it was; before any Apply, which then hears of
  // AttemptVanished, OutputsLost and Resumed instead of Started.
  void Restore(TaskId task, const RestoredTask& restored);

  // Of the tasks that were restored as final, those that Resumed takes up, and may launch.
  [[nodiscard]] IdMap<TaskId, bool> TakenUp() const;

  // Takes in everything that has happened, then decides once, so that the most urgent of all ready
  // tasks goes first. Commands are appended to `out`.
  void Apply(std::span<const Event> events, Instant now, std::vector<Command>& out);
  void Apply(const Event& event, Instant now, std::vector<Command>& out) {
    Apply(std::span(&event, 1), now, out);
  }

  // The next instant at which TimePassed is due.
  [[nodiscard]] std::optional<Instant> NextWakeup() const;
  [[nodiscard]] bool Done() const { return unfinished_ == 0; }
  [[nodiscard]] bool cancelled() const { return cancelling_; }
  [[nodiscard]] TaskState state(TaskId task) const { return tasks_[task].state; }
  [[nodiscard]] AttemptNumber attempt(TaskId task) const { return tasks_[task].attempt; }
  [[nodiscard]] std::size_t count(TaskState state) const {
    return counts_[static_cast<std::size_t>(state)];
  }
  [[nodiscard]] std::size_t in_flight() const { return in_flight_; }
  // Failed tasks whose input or parameters were wrong.
  [[nodiscard]] std::size_t invalid() const { return invalid_; }
  // Failed tasks whose disk, worker or node was at fault.
  [[nodiscard]] std::size_t environment() const { return environment_; }
  // Whether what keeps the run from its end is no fault of its tasks: Resumed tries them again.
  [[nodiscard]] bool resumable() const;
  // Why a task is not running, in a sentence.
  [[nodiscard]] std::string Explain(TaskId task) const;
  // Recomputes everything derived and aborts on a difference. Linear; for tests.
  void CheckInvariants() const;

 private:
  struct Task {
    TaskState state = TaskState::kBlocked;
    AttemptNumber attempt;
    AttemptCounts counts;
    std::int64_t memory_bytes = 0;             // of the next or current attempt
    std::uint32_t waiting = 0;                 // producers that are not final
    bool resolved = false;                     // decided to run: needs only capacity
    bool preset = false;                       // not part of this run
    FailureKind failure = FailureKind::kNone;  // of one that has failed
  };

  void On(const Started& event);
  void On(const Resumed& event);
  void On(const AttemptVanished& event);
  void On(const OutputsLost& event);
  void On(const Outdated& event);
  void On(const ResolvedRun& event);
  void On(const ResolvedReuse& event);
  void On(const ResolvedSkip& event);
  void On(const ResolvedFailure& event);
  void On(const AttemptRunning& event);
  void On(const AttemptSucceeded& event);
  void On(const AttemptFailed& event);
  void On(const AttemptStopped& event);
  void On(const Committed& event);
  void On(const CapacityChanged& event);
  void On(const CancelRequested& event);
  void On(const TimePassed& event);

  void Move(TaskId task, TaskState to, std::string reason = {}, TaskId blamed = {},
            FailureKind failure = FailureKind::kNone);
  void Count(TaskId task, TaskState from, TaskState to);
  void CountFailed(FailureKind kind, int change);
  void HoldBack(TaskId task);
  void LookForFailures();
  [[nodiscard]] bool MayFareBetter(TaskId task) const;
  void Reopen(TaskId task, std::string reason);
  void MakeAgain(TaskId task, std::string reason);
  void Settle();
  void Examine(TaskId task);
  void Fail(TaskId task, FailureKind kind, int exit_code, const Error& error);
  void WakeRetries();
  void LaunchWhatFits();
  [[nodiscard]] std::optional<TaskId> ChooseNext();
  [[nodiscard]] bool Fits(TaskId task, bool ahead) const;
  [[nodiscard]] std::optional<TaskId> FailedProducer(TaskId task) const;
  [[nodiscard]] bool MayStart(TaskId task) const { return !failing_ || policies_[task].cleans_up; }
  [[nodiscard]] bool IsCurrent(TaskId task, AttemptNumber attempt) const;
  void StopLaunching();

  const TaskGraph& graph_;
  const IdMap<TaskId, TaskPolicy> policies_;
  SchedulerOptions options_;

  IdMap<TaskId, Task> tasks_;
  ReadyQueue ready_;  // resolved tasks that wait for capacity
  std::set<std::pair<Instant, TaskId>> backoff_;
  std::array<std::size_t, kTaskStateCount> counts_{};
  std::size_t unfinished_ = 0;
  std::size_t invalid_ = 0;
  std::size_t environment_ = 0;
  double cpus_used_ = 0;
  std::int64_t memory_used_ = 0;
  std::size_t in_flight_ = 0;
  TaskId overtaken_;  // the most urgent task, when it last did not fit
  int overtakes_ = 0;
  std::vector<TaskId> stranded_;   // restored as failed for want of a disk, a worker or a node
  std::vector<TaskId> recommits_;  // restored while their outputs were being stored
  std::vector<TaskId> settling_;   // final, consumers not told yet
  bool begun_ = false;
  bool cancelling_ = false;
  bool failing_ = false;  // a task failed and keep_going is off: only what cleans up starts
  bool failing_for_good_ = false;  // and a resumed run would not try it again

  std::vector<Command>* out_ = nullptr;  // during Apply
  Instant now_;
};

}  // namespace dml::core

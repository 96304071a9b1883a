#pragma once

#include <cstdint>
#include <string>

#include "base/clock.h"
#include "base/ids.h"
#include "orchestrator/core/task_state.h"
#include "orchestrator/state/run_store.h"
#include "pipelines/task_decl.h"

namespace dml::engine {

// A task has moved. `reason` is for people and may be empty.
struct TaskUpdate {
  TaskId task;
  core::TaskState from = core::TaskState::kBlocked;
  core::TaskState to = core::TaskState::kBlocked;
  AttemptNumber attempt;
  std::string reason;
  Duration elapsed{0};  // since the launch of the attempt, for moves that end one
};

// Where the time of making outputs durable went, summed over threads.
struct CommitCost {
  std::int64_t bytes = 0;
  std::int64_t files = 0;
  Duration hashing{0};
  Duration syncing{0};
};

// How a run ended.
struct RunResult {
  RunId run;
  state::RunOutcome outcome = state::RunOutcome::kSucceeded;
  std::array<std::size_t, core::kTaskStateCount> counts{};  // by core::TaskState
  Duration elapsed{0};
  CommitCost commit;
  bool invalid_input = false;  // every failure was one of the pipeline or the data
  bool environment = false;    // some failure was one of a disk, a worker or a node

  [[nodiscard]] std::size_t count(core::TaskState state) const {
    return counts[static_cast<std::size_t>(state)];
  }
};

// Watches a run, for progress displays. Called from the thread of the run loop, after what it
// reports is durable; must not block.
class RunObserver {
 public:
  virtual ~RunObserver() = default;
  virtual void RunStarted(RunId run, const pipelines::ExpandedPipeline& pipeline) = 0;
  virtual void TaskChanged(const TaskUpdate& update) = 0;
  virtual void TaskProgress(TaskId task, double fraction, const std::string& note) = 0;
  virtual void TaskWarned(TaskId task, const std::string& warning) = 0;
  virtual void RunFinished(const RunResult& result) = 0;
};

}  // namespace dml::engine

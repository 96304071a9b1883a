#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "base/json.h"
#include "orchestrator/core/task_state.h"
#include "orchestrator/state/run_store.h"
#include "pipelines/task_decl.h"

namespace dml::engine {

// One task's move, as a progress display wants it. Views live for the length of the call.
struct TaskMove {
  TaskId task;
  const pipelines::TaskDecl* decl = nullptr;
  core::TaskState from = core::TaskState::kBlocked;
  core::TaskState to = core::TaskState::kBlocked;
  AttemptNumber attempt;
  const std::string* reason = nullptr;
  const state::TaskResult* result = nullptr;  // of succeeded and reused tasks
};

// Hears what a run does, on the thread of the run loop, after it is durable. Must be quick.
class RunObserver {
 public:
  virtual ~RunObserver() = default;
  // `expected`: mean durations by step id, from earlier runs.
  virtual void RunStarted(RunId run, const pipelines::ExpandedPipeline& pipeline,
                          const std::map<std::string, Duration>& expected) = 0;
  virtual void TaskMoved(const TaskMove& move) = 0;
  virtual void TaskProgressed(TaskId task, double fraction, const std::string& note) = 0;
  // About ten times a second while the run goes on.
  virtual void Tick(Instant now) = 0;
  virtual void RunEnded(state::RunOutcome outcome) = 0;
};

}  // namespace dml::engine

#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "orchestrator/engine/home.h"
#include "orchestrator/engine/inbox.h"
#include "orchestrator/engine/run_observer.h"
#include "orchestrator/state/run_store.h"
#include "pipelines/task_decl.h"
#include "runners/api/runner.h"

namespace dml::engine {

struct RunOptions {
  double jobs = 0;          // cpus in use at most; 0: what the runner has
  bool keep_going = false;  // -k
  bool force = false;       // -f: run everything again
  std::string from;         // run this step and everything after it again
  std::string until;        // run only this step and what it needs
  bool use_cache = true;
};

struct TaskFailure {
  TaskId task;
  std::string name;
  Error error;
  std::string log_path;
};

struct RunReport {
  RunId run;
  state::RunOutcome outcome = state::RunOutcome::kSucceeded;
  std::vector<std::size_t> counts;  // by core::TaskState
  std::vector<TaskFailure> failures;
  Duration wall{0};
  Duration hashing{0};  // of outputs, on a thread of its own
  Duration syncing{0};
  std::int64_t bytes_stored = 0;
};

using RunnerFactory = std::function<std::unique_ptr<runners::Runner>(runners::EventSink& sink)>;

// Everything a run needs from the outside. The objects must outlive the call.
struct RunEnvironment {
  const Home* home = nullptr;
  const Clock* clock = nullptr;
  RunnerFactory make_runner;
  RunObserver* observer = nullptr;
  Inbox* inbox = nullptr;  // a signal thread may put CancelRequested here
  std::string pipeline_text;
};

// Runs a pipeline to its end on the calling thread. An error means that the run could not be
// carried on at all (store, home, unknown step); failed tasks are in the report.
Result<RunReport> RunPipeline(const pipelines::ExpandedPipeline& pipeline,
                              const RunOptions& options, const RunEnvironment& environment);

// What a run would do, without doing it. Tasks downstream of one that runs are "maybe": equal
// outputs would stop the wave.
enum class PlanAction { kRun, kReuse, kMaybe, kSkip };
struct PlannedTask {
  TaskId task;
  PlanAction action = PlanAction::kRun;
  std::string reason;
};
Result<std::vector<PlannedTask>> MakePlan(const pipelines::ExpandedPipeline& pipeline,
                                          const RunOptions& options, const Home& home,
                                          const Clock& clock);

}  // namespace dml::engine

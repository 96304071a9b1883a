#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "orchestrator/core/plan.h"
#include "orchestrator/engine/home.h"
#include "orchestrator/engine/observer.h"
#include "pipelines/task_decl.h"
#include "runners/api/runner.h"

namespace dml::engine {

struct RunOptions {
  int jobs = 0;  // cpus to use; 0: all that the runner has
  bool keep_going = false;
  bool force = false;                   // run everything, whatever the store knows
  bool no_cache = false;                // neither reuse nor record
  bool hooks = false;                   // something is to be done when the run has ended
  bool concurrent = false;              // although another run of this pipeline may be going on
  std::string once = {};                // what no other run may be about; "": nothing of the kind
  std::string cluster = {};             // the inventory to run on; empty: this machine
  std::vector<std::string> from = {};   // steps to run again, with everything after them
  std::vector<std::string> until = {};  // steps to stop at: only they and what they need
  std::string pipeline_text = {};       // the source, kept with the run for the report
  Json request = Json::object();        // see run_request.h; kept with the run
  int prefetch_max = 4096;              // short tasks handed to a worker ahead of time
};

// What a run would do, and why: `dml plan`. Reads the store and hashes input files, writes nothing
// but the cache of file digests.
Result<core::Plan> MakePlan(const Home& home, const pipelines::ExpandedPipeline& pipeline,
                            const RunOptions& options, const Clock& clock);

// One run, from its beginning to its end. The pipeline, clock and observer must outlive it.
//
//   RunSession session(home, pipeline, options, clock, observer);
//   LocalRunner runner(..., session.events());
//   Result<RunResult> result = session.Run(runner);
class RunSession {
 public:
  RunSession(const Home& home, const pipelines::ExpandedPipeline& pipeline,
             const RunOptions& options, const Clock& clock, RunObserver& observer);
  ~RunSession();
  RunSession(const RunSession&) = delete;
  RunSession& operator=(const RunSession&) = delete;

  // Where the runner posts.
  [[nodiscard]] runners::EventSink& events();
  // Asks the run to stop: TERM, grace, KILL; `at_once`: KILL. Thread-safe; not for use inside a
  // signal handler.
  void Cancel(bool at_once);
  // Goes on with `run`, which is not finished and has no owner, to its end. kInvalid: there is
  // nothing to go on with; kBusy: somebody is at it. The options are those it began with.
  Result<RunResult> Resume(RunId run, runners::Runner& runner);
  // Runs to the end on the calling thread. A failed task is an outcome; an error means that the
  // run itself could not go on (kInvalid: the options; kEnvironment: the store or the disk;
  // kBusy: another process runs this pipeline, or a run has begun with the same `once`).
  Result<RunResult> Run(runners::Runner& runner);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace dml::engine

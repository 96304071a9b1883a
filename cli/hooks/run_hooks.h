#pragma once

#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/ids.h"
#include "cli/display/output.h"
#include "cli/pipeline/pipeline_file.h"
#include "orchestrator/engine/home.h"
#include "orchestrator/state/run_store.h"

namespace dml::cli {

// Runs what `on:` says about the end of a run and is not done yet: success, failure, then finish. A
// command reads the run's JSON on stdin, a webhook gets it posted; each is killed after its
// timeout. What goes wrong is a warning: it changes neither the run nor its exit code. Once `stop`
// is requested, the hook that is at work is ended, and those after it are left out for good. The
// store remembers what is due, so that each is run at least once, and only once unless a process is
// killed during it. Does nothing while another process is at it.
void RunHooks(const engine::Home& home, const OpenedPipeline& pipeline, RunId run,
              const std::stop_token& stop, const Output& output);

// Whether a signal that comes while hooks run is somebody who does not want them. That a terminal
// was closed is not.
[[nodiscard]] bool GivesUpHooks(int signal);

// Whose hooks: of every run, of one, or of the runs of one pipeline.
struct HookOwners {
  std::optional<RunId> run = {};
  std::string file = {};  // the pipeline's absolute path
};

// The hooks that killed processes of this home left. Returns the runs that they belonged to. Those
// that a living process is at are left to it; kBusy if it is at those of `owners.run`.
Result<std::vector<RunId>> RunDueHooks(const engine::Home& home, const HookOwners& owners,
                                       const Output& output);

// Whether the text of a run's pipeline speaks of hooks, also if what it refers to is missing now.
[[nodiscard]] bool MayHaveHooks(state::RunStore& store, RunId run);

}  // namespace dml::cli

#pragma once

#include "base/result.h"
#include "orchestrator/report/run_facts.h"
#include "orchestrator/state/run_view.h"
#include "pipelines/task_decl.h"

namespace dml::report {

// The facts of a run from the store. `pipeline` is what the run was expanded from and gives types
// and edges, matched by task name; without it the tasks stand unconnected. Reads the panel files
// of finished tasks only if `with_panels`; one that cannot be read becomes a note.
Result<RunFacts> CollectRun(state::RunView& view, const state::RunSummary& run,
                            const pipelines::ExpandedPipeline* pipeline, bool with_panels);

// Counts attempts of a run that is going on, and that have not ended, until `now`: for whoever asks
// how long they have taken so far. Nothing if the clock was set back behind their beginning.
void CountUntil(WallTime now, RunFacts& run);

// "train.ridge", or "run" for a command.
std::string TypeOf(const pipelines::TaskDecl& task);

}  // namespace dml::report

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

// "train.ridge", or "run" for a command.
std::string TypeOf(const pipelines::TaskDecl& task);

}  // namespace dml::report

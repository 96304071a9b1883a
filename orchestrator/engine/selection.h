#pragma once

#include <string>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "orchestrator/core/task_graph.h"
#include "orchestrator/engine/session.h"
#include "pipelines/task_decl.h"

namespace dml::engine {

// Which tasks a run is about, and which of them may not be reused.
struct Selection {
  IdMap<TaskId, bool> wanted;
  IdMap<TaskId, bool> forced;
};

// Applies --until (a step and what it needs), --from and --force. A step that is not in the
// pipeline is kInvalid with did-you-mean.
Result<Selection> SelectTasks(const pipelines::ExpandedPipeline& pipeline,
                              const core::TaskGraph& graph, const RunOptions& options);

// Whether every step of --from is one that the run is about: kInvalid if --until leaves one out,
// which would then do nothing. For runs that begin; what an earlier one was told stays as it is.
Result<void> CheckRange(const pipelines::ExpandedPipeline& pipeline, const Selection& selection,
                        const RunOptions& options);

// Where a run from these steps on ends, if an earlier one was to end at `until`: there too, unless
// one of the steps lies beyond; then what comes after them is wanted as well.
Result<std::vector<std::string>> EndsFor(const pipelines::ExpandedPipeline& pipeline,
                                         const core::TaskGraph& graph,
                                         const std::vector<std::string>& until,
                                         const std::vector<std::string>& from);

}  // namespace dml::engine

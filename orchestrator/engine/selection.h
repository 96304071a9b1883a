#pragma once

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

}  // namespace dml::engine

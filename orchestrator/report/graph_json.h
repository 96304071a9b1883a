#pragma once

#include "base/json.h"
#include "pipelines/task_decl.h"

namespace dml::report {

// The task graph for other programs: {"pipeline", "tasks": [{"name", "step", "type",
// "inputs": [{"port", "task", "output"}], "needs": [names]}]}.
Json GraphJson(const pipelines::ExpandedPipeline& pipeline);

}  // namespace dml::report

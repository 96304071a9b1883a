#pragma once

#include <string>

#include "pipelines/task_decl.h"

namespace dml::pipelines {

// Pictures of the graph as text. The tasks of one matrix are drawn as one node once a step has more
// than kTasksDrawnMax of them. Data flow is a solid arrow, order a dashed one. Pure.
inline constexpr std::size_t kTasksDrawnMax = 12;

std::string ToDot(const ExpandedPipeline& pipeline);
std::string ToMermaid(const ExpandedPipeline& pipeline);

}  // namespace dml::pipelines

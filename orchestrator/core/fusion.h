#pragma once

#include <vector>

#include "base/ids.h"
#include "orchestrator/core/task_graph.h"
#include "pipelines/task_decl.h"

namespace dml::core {

// Which tasks run together. A unit is a chain of row-local table steps whose intermediate tables
// nobody else needs; it runs as one attempt and is named by its last task. Most units are one task.
struct Fusion {
  IdMap<TaskId, TaskId> unit;                  // by task: the last task of its chain
  IdMap<TaskId, std::vector<TaskId>> members;  // by last task, producers first; else empty

  [[nodiscard]] bool leads(TaskId task) const { return unit[task] == task; }
};

// Joins p -> c if both are native, row-local and wanted, c reads nothing but p, nobody else waits
// for p, both agree on retries, resources, environment and caching, and p reads an input of its
// own: what a load or a generator makes is stored.
Fusion Fuse(const pipelines::ExpandedPipeline& pipeline, const IdMap<TaskId, bool>& wanted);

// The graph of single tasks: data, order, and metrics that are read.
Result<TaskGraph> BuildGraph(const pipelines::ExpandedPipeline& pipeline);

// The graph of units: every edge of a member that leaves its chain. Absorbed tasks have no edges.
Result<TaskGraph> BuildUnitGraph(const pipelines::ExpandedPipeline& pipeline, const Fusion& fusion);

// Calls `visit(producer)` for everything that `task` waits for: data, order and metrics.
template <typename Visit>
void ForEachProducer(const pipelines::TaskDecl& task, const Visit& visit) {
  for (const pipelines::InputEdge& edge : task.inputs) visit(edge.producer);
  for (const TaskId need : task.needs) visit(need);
  for (const pipelines::MetricReference& reference : task.metric_references) visit(reference.task);
}

}  // namespace dml::core

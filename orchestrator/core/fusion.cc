#include "orchestrator/core/fusion.h"

#include <algorithm>

namespace dml::core {

namespace {

using pipelines::TaskDecl;

bool MayFuse(const TaskDecl& task) {
  return task.row_local && std::holds_alternative<pipelines::NativeWork>(task.work) &&
         !task.condition && !task.never && task.deferred.empty() && task.outputs.size() == 1 &&
         task.outputs.front().kind == PortKind::kTable && task.timeout.ns == 0;
}

bool Agree(const TaskDecl& a, const TaskDecl& b) {
  return a.retry == b.retry && a.resources == b.resources && a.env == b.env && a.cache == b.cache;
}

}  // namespace

Fusion Fuse(const pipelines::ExpandedPipeline& pipeline, const IdMap<TaskId, bool>& wanted) {
  const auto& tasks = pipeline.tasks;
  // The only consumer of a task, or none if there are several.
  IdMap<TaskId, int> consumers(tasks.size());
  for (const TaskDecl& task : tasks) {
    ForEachProducer(task, [&](TaskId producer) { ++consumers[producer]; });
  }
  IdMap<TaskId, TaskId> next(tasks.size());
  IdMap<TaskId, bool> continues(tasks.size());
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    const TaskId id(i);
    const TaskDecl& task = tasks[id];
    const bool one_input =
        task.inputs.size() == 1 && task.needs.empty() && task.metric_references.empty();
    if (!one_input || !wanted[id] || !MayFuse(task)) continue;
    const TaskId producer = task.inputs.front().producer;
    // A source is never absorbed: reading it is the dear part, and kept it need not be repeated
    // when the steps behind it change.
    if (tasks[producer].inputs.empty() || consumers[producer] != 1 || !wanted[producer] ||
        !MayFuse(tasks[producer]) || !Agree(task, tasks[producer])) {
      continue;
    }
    next[producer] = id;
    continues[id] = true;
  }
  Fusion fusion{IdMap<TaskId, TaskId>(tasks.size()),
                IdMap<TaskId, std::vector<TaskId>>(tasks.size())};
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    if (continues[TaskId(i)]) continue;
    std::vector<TaskId> chain;
    for (TaskId at(i); at.valid(); at = next[at]) chain.push_back(at);
    for (const TaskId member : chain) fusion.unit[member] = chain.back();
    fusion.members[chain.back()] = std::move(chain);
  }
  return fusion;
}

Result<TaskGraph> BuildGraph(const pipelines::ExpandedPipeline& pipeline) {
  std::vector<TaskGraph::Edge> edges;
  for (std::size_t i = 0; i < pipeline.tasks.size(); ++i) {
    ForEachProducer(pipeline.tasks[TaskId(i)], [&](TaskId producer) {
      edges.push_back({producer, TaskId(i)});
    });
  }
  return TaskGraph::Build(pipeline.tasks.size(), edges);
}

Result<TaskGraph> BuildUnitGraph(const pipelines::ExpandedPipeline& pipeline,
                                 const Fusion& fusion) {
  std::vector<TaskGraph::Edge> edges;
  for (std::size_t i = 0; i < pipeline.tasks.size(); ++i) {
    const TaskId consumer = fusion.unit[TaskId(i)];
    ForEachProducer(pipeline.tasks[TaskId(i)], [&](TaskId producer) {
      const TaskId unit = fusion.unit[producer];
      if (unit != consumer || producer == consumer) edges.push_back({unit, consumer});
    });
  }
  return TaskGraph::Build(pipeline.tasks.size(), edges);
}

}  // namespace dml::core

#include "orchestrator/engine/selection.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <string>

#include "base/suggest.h"

namespace dml::engine {

namespace {

using Neighbours = std::span<const TaskId> (core::TaskGraph::*)(TaskId) const;

Error UnknownStep(const pipelines::ExpandedPipeline& pipeline, const std::string& step) {
  std::vector<std::string> names;
  for (const pipelines::TaskDecl& decl : pipeline.tasks) {
    if (names.empty() || names.back() != decl.step) names.push_back(decl.step);
  }
  return Error::Invalid(fmt::format("there is no step '{}'", step), DidYouMean(step, names));
}

// Marks the tasks of `steps` (step ids or full task names) and all that are reached from them.
Result<void> Reach(const pipelines::ExpandedPipeline& pipeline, const core::TaskGraph& graph,
                   const std::vector<std::string>& steps, Neighbours neighbours,
                   IdMap<TaskId, bool>& reached) {
  std::vector<TaskId> open;
  for (const std::string& step : steps) {
    const std::size_t before = open.size();
    for (std::size_t i = 0; i < graph.size(); ++i) {
      const pipelines::TaskDecl& decl = pipeline.tasks[TaskId(i)];
      if (decl.step == step || decl.name == step) open.emplace_back(i);
    }
    if (open.size() == before) return UnknownStep(pipeline, step);
  }
  for (const TaskId task : open) reached[task] = true;
  while (!open.empty()) {
    const TaskId task = open.back();
    open.pop_back();
    for (const TaskId next : (graph.*neighbours)(task)) {
      if (reached[next]) continue;
      reached[next] = true;
      open.push_back(next);
    }
  }
  return {};
}

}  // namespace

Result<Selection> SelectTasks(const pipelines::ExpandedPipeline& pipeline,
                              const core::TaskGraph& graph, const RunOptions& options) {
  Selection selection{IdMap<TaskId, bool>(graph.size(), true),
                      IdMap<TaskId, bool>(graph.size(), options.force)};
  if (!options.until.empty()) {
    selection.wanted = IdMap<TaskId, bool>(graph.size(), false);
    DML_RETURN_IF_ERROR(
        Reach(pipeline, graph, options.until, &core::TaskGraph::producers, selection.wanted));
  }
  DML_RETURN_IF_ERROR(
      Reach(pipeline, graph, options.from, &core::TaskGraph::consumers, selection.forced));
  return selection;
}

Result<void> CheckRange(const pipelines::ExpandedPipeline& pipeline, const Selection& selection,
                        const RunOptions& options) {
  for (const std::string& step : options.from) {
    bool wanted = false;
    for (std::size_t i = 0; i < pipeline.tasks.size(); ++i) {
      const pipelines::TaskDecl& decl = pipeline.tasks[TaskId(i)];
      wanted |= (decl.step == step || decl.name == step) && selection.wanted[TaskId(i)];
    }
    if (wanted) continue;
    return Error::Invalid(fmt::format("--from {} lies beyond --until {}, which does not need it",
                                      step, fmt::join(options.until, ",")),
                          "leave one of the two out, or name a step that comes earlier");
  }
  return {};
}

Result<std::vector<std::string>> EndsFor(const pipelines::ExpandedPipeline& pipeline,
                                         const core::TaskGraph& graph,
                                         const std::vector<std::string>& until,
                                         const std::vector<std::string>& from) {
  if (until.empty()) return until;
  IdMap<TaskId, bool> inside(graph.size(), false);
  DML_RETURN_IF_ERROR(Reach(pipeline, graph, until, &core::TaskGraph::producers, inside));
  std::vector<std::string> ends = until;
  for (const std::string& step : from) {
    IdMap<TaskId, bool> after(graph.size(), false);
    DML_RETURN_IF_ERROR(Reach(pipeline, graph, {step}, &core::TaskGraph::consumers, after));
    bool beyond = false;
    std::vector<std::string> names;
    for (std::size_t i = 0; i < graph.size(); ++i) {
      const pipelines::TaskDecl& decl = pipeline.tasks[TaskId(i)];
      beyond |= (decl.step == step || decl.name == step) && !inside[TaskId(i)];
      if (after[TaskId(i)]) names.push_back(decl.name);
    }
    if (beyond) ends.insert(ends.end(), names.begin(), names.end());
  }
  return ends;
}

}  // namespace dml::engine

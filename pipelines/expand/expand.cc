#include "pipelines/expand/expand.h"

#include <fmt/format.h>

#include <utility>

#include "pipelines/expand/combinations.h"
#include "pipelines/expand/pairing.h"
#include "pipelines/expand/task_builder.h"
#include "pipelines/expand/written_files.h"
#include "pipelines/yaml/scalar.h"

namespace dml::pipelines {

namespace {

// Task ids of every step; nothing if there are too many.
std::vector<StepTasks> Number(const Pipeline& pipeline, Diagnostics& diagnostics) {
  std::vector<StepTasks> out;
  out.reserve(pipeline.steps.size());
  std::size_t next = 0;
  for (const StepDecl& step : pipeline.steps) {
    StepTasks tasks;
    tasks.first = next;
    const std::size_t count = step.matrix ? CountCombinations(*step.matrix) : 1;
    if (count > kTasksMax - std::min(next, kTasksMax)) {
      diagnostics.Add(step.place, fmt::format("the pipeline has more than {} tasks", kTasksMax));
      return {};
    }
    if (step.matrix) {
      tasks.combinations = Combine(*step.matrix);
      tasks.names = TaskNames(step.id, *step.matrix, tasks.combinations);
      if (tasks.combinations.empty()) {
        diagnostics.Add(step.place, fmt::format("'exclude' leaves no task of step '{}'", step.id));
      }
    } else {
      tasks.combinations.emplace_back();
      tasks.names.push_back(step.id);
    }
    next += tasks.combinations.size();
    out.push_back(std::move(tasks));
  }
  return out;
}

constexpr std::size_t kEdgesMax = 20'000'000;

}  // namespace

ExpandedPipeline Expand(const Pipeline& pipeline, const StepCatalog& catalog, const World& world,
                        Diagnostics& diagnostics) {
  const Source& source = *pipeline.files[0].document->source;
  ExpandedPipeline out;
  out.name = pipeline.name;
  out.directory = source.directory;
  out.file = AbsolutePath(source.directory, source.name.substr(source.name.rfind('/') + 1));
  out.params = ToJson(pipeline.files[0].params);
  const std::vector<StepTasks> tasks = Number(pipeline, diagnostics);
  const Resolver resolver(world, diagnostics);
  std::size_t edges = 0;
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    TaskBuilder builder(pipeline, tasks, catalog, resolver, i);
    for (std::size_t k = 0; k < tasks[i].combinations.size(); ++k) {
      TaskDecl task = builder.Build(k);
      edges += task.inputs.size() + task.needs.size();
      out.tasks.push_back(std::move(task));
      if (edges <= kEdgesMax) continue;
      diagnostics.Add(pipeline.steps[i].place,
                      fmt::format("the pipeline has more than {} connections", kEdgesMax),
                      "let one step gather the tasks of a matrix before the next matrix");
      return out;
    }
  }
  if (diagnostics.empty()) CheckWrittenFiles(pipeline, out, diagnostics);
  return out;
}

}  // namespace dml::pipelines

#include "pipelines/expand/written_files.h"

#include <fmt/format.h>
#include <fnmatch.h>

#include <filesystem>
#include <map>
#include <set>

namespace dml::pipelines {

namespace {

// The parameter of a step that says which file it writes; null if it writes none.
const ParamSpec* OutputParam(const StepSpec& step) {
  for (const ParamSpec& param : step.params) {
    if (param.type == ParamType::kOutputPath) return &param;
  }
  return nullptr;
}

std::string Normal(const std::string& path) {
  return std::filesystem::path(path).lexically_normal().string();
}

// Absolute path -> the tasks that write it.
std::multimap<std::string, TaskId> WrittenFiles(const Pipeline& pipeline,
                                                const ExpandedPipeline& expanded) {
  std::map<std::string_view, const ParamSpec*> params;  // by step
  for (const StepDecl& step : pipeline.steps) {
    const auto* native = std::get_if<NativeDecl>(&step.work);
    const ParamSpec* param = native == nullptr ? nullptr : OutputParam(*native->spec);
    if (param != nullptr) params.emplace(step.id, param);
  }
  std::multimap<std::string, TaskId> written;
  for (std::size_t i = 0; !params.empty() && i < expanded.tasks.size(); ++i) {
    const TaskDecl& task = expanded.tasks[TaskId(i)];
    const auto param = params.find(task.step);
    if (param == params.end()) continue;
    const Json& values = std::get<NativeWork>(task.work).params;
    const auto path = values.find(param->second->name);
    if (path != values.end() && path->is_string()) {
      written.emplace(Normal(path->get<std::string>()), TaskId(i));
    }
  }
  return written;
}

bool ComesAfter(const ExpandedPipeline& expanded, TaskId later, TaskId earlier) {
  std::set<TaskId> seen{later};
  std::vector<TaskId> next{later};
  const auto visit = [&](TaskId task) {
    if (seen.insert(task).second) next.push_back(task);
  };
  while (!next.empty()) {
    const TaskDecl& task = expanded.tasks[next.back()];
    next.pop_back();
    for (const InputEdge& edge : task.inputs) visit(edge.producer);
    for (const TaskId need : task.needs) visit(need);
    for (const MetricReference& metric : task.metric_references) visit(metric.task);
  }
  return seen.contains(earlier);
}

// Of two tasks that write one file in any order, the result is that of whichever is later.
void CheckWritersAgree(const Pipeline& pipeline, const ExpandedPipeline& expanded,
                       const std::multimap<std::string, TaskId>& written,
                       Diagnostics& diagnostics) {
  std::set<std::pair<std::string_view, std::string_view>> reported;
  for (auto it = written.begin(); it != written.end(); ++it) {
    const auto next = std::next(it);
    if (next == written.end() || next->first != it->first) continue;
    const TaskDecl& one = expanded.tasks[it->second];
    const TaskDecl& other = expanded.tasks[next->second];
    const bool ordered = ComesAfter(expanded, it->second, next->second) ||
                         ComesAfter(expanded, next->second, it->second);
    if (ordered || !reported.insert({one.step, other.step}).second) continue;
    diagnostics.Add(
        pipeline.steps[pipeline.step_names.at(other.step)].place,
        fmt::format("'{}' and '{}' write the same file '{}'", one.name, other.name, it->first),
        one.step == other.step ? "make the values of its matrix part of the path"
                               : "write two files, or order the steps with 'needs'");
  }
}

}  // namespace

void CheckWrittenFiles(const Pipeline& pipeline, const ExpandedPipeline& expanded,
                       Diagnostics& diagnostics) {
  const std::multimap<std::string, TaskId> written = WrittenFiles(pipeline, expanded);
  std::set<std::pair<std::string_view, std::string_view>> reported;  // steps, not their tasks
  const auto check = [&](TaskId writer, TaskId reader, const std::string& path) {
    const TaskDecl& from = expanded.tasks[writer];
    const TaskDecl& to = expanded.tasks[reader];
    if (writer == reader || reported.contains({from.step, to.step})) return;
    if (ComesAfter(expanded, reader, writer)) return;
    reported.insert({from.step, to.step});
    diagnostics.Add(
        pipeline.steps[pipeline.step_names.at(from.step)].place,
        fmt::format("'{}' would overwrite '{}', which '{}' reads", from.name, path, to.name),
        fmt::format("write another file; a step that is to read the new one needs '{}'",
                    from.step));
  };
  CheckWritersAgree(pipeline, expanded, written, diagnostics);
  for (std::size_t i = 0; !written.empty() && i < expanded.tasks.size(); ++i) {
    for (const FileInput& file : expanded.tasks[TaskId(i)].files) {
      if (!file.node.empty()) continue;
      const auto [first, last] = written.equal_range(Normal(file.pattern));
      for (auto it = first; it != last; ++it) check(it->second, TaskId(i), it->first);
      if (file.pattern.find_first_of("*?[") == std::string::npos) continue;
      for (const auto& [path, writer] : written) {
        if (::fnmatch(file.pattern.c_str(), path.c_str(), FNM_PATHNAME | FNM_PERIOD) == 0) {
          check(writer, TaskId(i), path);
        }
      }
    }
  }
}

}  // namespace dml::pipelines

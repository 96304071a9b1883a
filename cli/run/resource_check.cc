#include "cli/run/resource_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>
#include <vector>

#include "base/quantity.h"
#include "runners/agent/machine.h"

namespace dml::cli {

namespace {

constexpr char kRemedy[] =
    "lower what the step asks for under resources:, or run it on a cluster: --cluster FILE";

std::string PlaceOf(const pipelines::TaskDecl& task) {
  return fmt::format("{}:{}:{}", task.where.file, task.where.line, task.where.column);
}

// A pipeline that was written for larger machines also runs here, more slowly.
void NoteWideTasks(const OpenedPipeline& opened, const runners::Capacity& machine,
                   const Output& output) {
  const double most = std::max(1.0, machine.cpus);
  std::size_t count = 0;
  const pipelines::TaskDecl* widest = nullptr;
  for (const pipelines::TaskDecl& task : opened.expanded.tasks) {
    if (task.resources.cpus <= most) continue;
    ++count;
    if (widest == nullptr || task.resources.cpus > widest->resources.cpus) widest = &task;
  }
  if (widest == nullptr) return;
  const std::string others = count > 1 ? fmt::format(" ({} tasks ask for too many)", count) : "";
  output.Warn(fmt::format("'{}' asks for {:g} cpus, and this machine has {:g}: it runs alone{}",
                          widest->name, widest->resources.cpus, machine.cpus, others));
}

Error Refusal(const pipelines::TaskDecl& task, const runners::Capacity& machine) {
  const char* remedy =
      task.resources.labels.empty() ? kRemedy : "run it with --cluster FILE, or leave out labels";
  return Error::Invalid(WhyNever(task, machine), remedy).At(PlaceOf(task));
}

}  // namespace

std::string WhyNever(const pipelines::TaskDecl& task, const runners::Capacity& machine) {
  const pipelines::Resources& need = task.resources;
  if (!need.labels.empty()) {
    return fmt::format("'{}' asks for a node with the label '{}', which only a cluster can have",
                       task.name, need.labels.front());
  }
  if (machine.memory_bytes > 0 && need.memory_bytes > machine.memory_bytes) {
    return fmt::format("'{}' asks for {} of memory, and this machine has {}", task.name,
                       FormatSize(need.memory_bytes), FormatSize(machine.memory_bytes));
  }
  return {};
}

Result<void> RequireRoom(const engine::Home& home, const OpenedPipeline& opened,
                         const engine::RunOptions& options, const Clock& clock,
                         const Output& output) {
  if (!options.cluster.empty()) return {};
  const runners::Capacity machine = agent::MachineCapacity();
  NoteWideTasks(opened, machine, output);
  std::vector<TaskId> too_large;
  for (std::size_t t = 0; t < opened.expanded.tasks.size(); ++t) {
    if (!WhyNever(opened.expanded.tasks[TaskId(t)], machine).empty()) too_large.emplace_back(t);
  }
  if (too_large.empty()) return {};
  // What is reused or left out needs no room.
  DML_TRY(const core::Plan plan, engine::MakePlan(home, opened.expanded, options, clock));
  std::optional<Error> last;
  std::set<std::string> told;  // tasks of one step ask for the same
  for (const TaskId task : too_large) {
    const core::Decision decision = plan.tasks[task].decision;
    if (decision != core::Decision::kRun && decision != core::Decision::kMaybe) continue;
    const pipelines::TaskDecl& decl = opened.expanded.tasks[task];
    if (!told.insert(decl.step).second) continue;
    if (last) output.Problem(*last);
    last = Refusal(decl, machine);
  }
  if (last) return *last;
  return {};
}

}  // namespace dml::cli

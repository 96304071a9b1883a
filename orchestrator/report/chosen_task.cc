#include "orchestrator/report/chosen_task.h"

#include <cstdint>

namespace dml::report {

std::string ChosenTask(const RunFacts& run, const TaskFacts& task) {
  if (task.type != "select.best" || !task.metrics.is_object()) return {};
  const auto best = task.metrics.find("best");
  if (best == task.metrics.end() || !best->is_number_integer()) return {};
  const auto number = best->get<std::int64_t>();  // from 1
  if (number < 1 || static_cast<std::uint64_t>(number) > task.inputs.size()) return {};
  return run.tasks[task.inputs[static_cast<std::size_t>(number) - 1]].name;
}

std::string ChoicesText(const RunFacts& run) {
  std::string out;
  for (const TaskFacts& task : run.tasks) {
    const std::string chosen = ChosenTask(run, task);
    if (!chosen.empty()) out += task.name + " kept " + chosen + "\n";
  }
  return out;
}

}  // namespace dml::report

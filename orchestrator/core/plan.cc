#include "orchestrator/core/plan.h"

#include <algorithm>

namespace dml::core {

namespace {

// What the decisions about its producers already say about a task.
std::optional<PlannedTask> FromProducers(const TaskGraph& graph, const Plan& plan, TaskId task,
                                         const std::function<std::string(TaskId)>& name) {
  std::optional<PlannedTask> verdict;
  for (const TaskId producer : graph.producers(task)) {
    switch (plan.tasks[producer].decision) {
      case Decision::kSkip:
        return PlannedTask{Decision::kSkip, name(producer) + " is skipped"};
      case Decision::kRun:
      case Decision::kMaybe:
        if (!verdict) verdict = PlannedTask{Decision::kMaybe, "waits for " + name(producer)};
        break;
      case Decision::kReuse:
        break;
    }
  }
  return verdict;
}

}  // namespace

std::size_t Plan::count(Decision decision) const {
  return static_cast<std::size_t>(std::ranges::count(tasks, decision, &PlannedTask::decision));
}

Result<Plan> MakePlan(const TaskGraph& graph, IdMap<TaskId, PlannedTask> initial,
                      const Decide& decide, const std::function<std::string(TaskId)>& name) {
  Plan plan{std::move(initial)};
  for (const TaskId task : graph.order()) {
    PlannedTask& planned = plan.tasks[task];
    if (planned.decision != Decision::kMaybe) continue;
    if (auto known = FromProducers(graph, plan, task, name)) {
      if (known->decision == Decision::kMaybe && !planned.reason.empty()) {
        planned.decision = Decision::kRun;
      } else {
        planned = std::move(*known);
      }
      continue;
    }
    DML_TRY(planned, decide(task));
  }
  return plan;
}

}  // namespace dml::core

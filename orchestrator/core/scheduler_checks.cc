#include <fmt/format.h>

#include "base/check.h"
#include "orchestrator/core/scheduler.h"

namespace dml::core {

std::string Scheduler::Explain(TaskId task) const {
  const Task& entry = tasks_[task];
  switch (entry.state) {
    case TaskState::kBlocked:
      return fmt::format("waits for {} of its {} producers", entry.waiting,
                         graph_.producers(task).size());
    case TaskState::kReady:
      if (!entry.resolved) return "is being looked up";
      return fmt::format("waits for capacity: needs {:g} of {:g} cpus, {:g} are in use",
                         policies_[task].cpus, options_.cpus, cpus_used_);
    case TaskState::kBackoff:
      return fmt::format("failed {} times and waits for its next attempt",
                         entry.counts.task_failures + entry.counts.infrastructure_failures);
    case TaskState::kLaunching:
    case TaskState::kRunning:
    case TaskState::kCommitting:
    case TaskState::kSucceeded:
    case TaskState::kReused:
    case TaskState::kFailed:
    case TaskState::kSkipped:
    case TaskState::kCancelled:
      return fmt::format("is {}", TaskStateName(entry.state));
  }
  DML_UNREACHABLE("every state is explained");
}

void Scheduler::CheckInvariants() const {
  std::array<std::size_t, kTaskStateCount> counts{};
  std::size_t unfinished = 0;
  std::size_t queued = 0;
  std::size_t retrying = 0;
  std::size_t in_flight = 0;
  double cpus = 0;
  std::int64_t memory = 0;
  for (std::size_t i = 0; i < tasks_.size(); ++i) {
    const TaskId task(i);
    const Task& entry = tasks_[task];
    ++counts[static_cast<std::size_t>(entry.state)];
    unfinished += IsFinal(entry.state) ? 0U : 1U;
    queued += entry.state == TaskState::kReady && entry.resolved ? 1 : 0;
    retrying += entry.state == TaskState::kBackoff ? 1 : 0;
    if (IsInFlight(entry.state)) {
      ++in_flight;
      cpus += policies_[task].cpus;
      memory += entry.memory_bytes;
    }
    std::uint32_t waiting = 0;
    for (const TaskId producer : graph_.producers(task)) {
      waiting += IsFinal(tasks_[producer].state) ? 0U : 1U;
    }
    DML_CHECK(waiting == entry.waiting, "waiting counts the unfinished producers");
    // Later than that, a producer may have to be done again.
    DML_CHECK(entry.state != TaskState::kReady || entry.waiting == 0,
              "a task is ready once its producers are final");
  }
  DML_CHECK(settling_.empty(), "consumers were told");
  DML_CHECK(counts == counts_, "the counts are the states counted");
  DML_CHECK(unfinished == unfinished_, "unfinished counts the tasks that are not final");
  DML_CHECK(queued == ready_.size(), "the queue holds the resolved ready tasks");
  DML_CHECK(retrying == backoff_.size(), "every backoff has an alarm");
  DML_CHECK(in_flight == in_flight_, "in_flight counts launching and running tasks");
  DML_CHECK(cpus - cpus_used_ < 1e-6 && cpus_used_ - cpus < 1e-6, "used cpus are those in flight");
  DML_CHECK(memory == memory_used_, "used memory is that in flight");
}

}  // namespace dml::core

#pragma once

#include <set>
#include <tuple>
#include <vector>

#include "base/ids.h"

namespace dml::core {

// Tasks that may start, the most urgent first: by the length of the path that still hangs on them,
// then by declaration order. Logarithmic; order never depends on insertion history.
class ReadyQueue {
 public:
  // `urgency` is indexed by task, larger first; see CriticalPaths().
  explicit ReadyQueue(std::vector<double> urgency) : urgency_(std::move(urgency)) {}

  void Push(TaskId task) { queue_.emplace(-urgency_[task.index()], task); }
  void Remove(TaskId task) { queue_.erase({-urgency_[task.index()], task}); }
  [[nodiscard]] bool empty() const { return queue_.empty(); }
  [[nodiscard]] std::size_t size() const { return queue_.size(); }

  // In order of urgency.
  [[nodiscard]] auto begin() const { return queue_.begin(); }
  [[nodiscard]] auto end() const { return queue_.end(); }

 private:
  std::vector<double> urgency_;
  std::set<std::pair<double, TaskId>> queue_;
};

class TaskGraph;

// For every task the time from its start to the end of the run if nothing had to wait:
// own duration plus the longest of its consumers.
std::vector<double> CriticalPaths(const TaskGraph& graph, const std::vector<double>& durations);

}  // namespace dml::core

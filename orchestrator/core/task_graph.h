#pragma once

#include <span>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "base/result.h"

namespace dml::core {

// Who waits for whom, as flat arrays: producers and consumers of every task, and an order in which
// producers come first. Immutable; memory is linear in tasks and edges.
class TaskGraph {
 public:
  struct Edge {
    TaskId producer;
    TaskId consumer;
  };

  // Duplicate edges count once. A cycle is kInvalid and names the ids along it.
  static Result<TaskGraph> Build(std::size_t tasks, std::span<const Edge> edges);

  [[nodiscard]] std::size_t size() const { return producer_begin_.size() - 1; }
  [[nodiscard]] std::span<const TaskId> producers(TaskId task) const {
    return Range(producers_, producer_begin_, task);
  }
  [[nodiscard]] std::span<const TaskId> consumers(TaskId task) const {
    return Range(consumers_, consumer_begin_, task);
  }
  // Producers before consumers; among equals, declaration order.
  [[nodiscard]] std::span<const TaskId> order() const { return order_; }

 private:
  static std::span<const TaskId> Range(const std::vector<TaskId>& items,
                                       const std::vector<std::size_t>& begin, TaskId task) {
    return std::span(items).subspan(begin[task.index()],
                                    begin[task.index() + 1] - begin[task.index()]);
  }
  [[nodiscard]] Result<void> Sort();

  std::vector<TaskId> producers_;
  std::vector<std::size_t> producer_begin_;
  std::vector<TaskId> consumers_;
  std::vector<std::size_t> consumer_begin_;
  std::vector<TaskId> order_;
};

}  // namespace dml::core

#include "orchestrator/core/task_graph.h"

#include <algorithm>
#include <functional>
#include <queue>
#include <string>

namespace dml::core {

namespace {

// Counting sort of one end of the edges by the other.
void Group(std::size_t tasks, const std::vector<TaskGraph::Edge>& edges,
           TaskId TaskGraph::Edge::*key, TaskId TaskGraph::Edge::*value, std::vector<TaskId>& items,
           std::vector<std::size_t>& begin) {
  begin.assign(tasks + 1, 0);
  for (const auto& edge : edges) ++begin[(edge.*key).index() + 1];
  for (std::size_t i = 0; i < tasks; ++i) begin[i + 1] += begin[i];
  items.resize(edges.size());
  std::vector<std::size_t> next(begin.begin(), begin.end() - 1);
  for (const auto& edge : edges) items[next[(edge.*key).index()]++] = edge.*value;
}

// Follows unfinished producers from `start` until a task repeats.
std::string DescribeCycle(const TaskGraph& graph, const std::vector<std::size_t>& waiting,
                          TaskId start) {
  std::vector<TaskId> path;
  TaskId task = start;
  while (std::ranges::find(path, task) == path.end()) {
    path.push_back(task);
    for (const TaskId producer : graph.producers(task)) {
      if (waiting[producer.index()] > 0) task = producer;
    }
  }
  std::string text = std::to_string(task.index());
  for (std::size_t i = path.size(); i-- > 0;) {
    text += " -> " + std::to_string(path[i].index());
    if (path[i] == task) break;
  }
  return text;
}

}  // namespace

Result<TaskGraph> TaskGraph::Build(std::size_t tasks, std::span<const Edge> edges) {
  std::vector<Edge> unique(edges.begin(), edges.end());
  const auto key = [](const Edge& edge) { return std::pair(edge.producer, edge.consumer); };
  std::ranges::sort(unique, {}, key);
  // Not std::ranges::unique: clang 14 cannot compile it with libstdc++ 12.
  const auto same = [&](const Edge& a, const Edge& b) { return key(a) == key(b); };
  unique.erase(std::unique(unique.begin(), unique.end(), same), unique.end());
  TaskGraph graph;
  Group(tasks, unique, &Edge::consumer, &Edge::producer, graph.producers_, graph.producer_begin_);
  Group(tasks, unique, &Edge::producer, &Edge::consumer, graph.consumers_, graph.consumer_begin_);
  DML_RETURN_IF_ERROR(graph.Sort());
  return graph;
}

// Kahn's algorithm over a heap of ids, so that the order is the declaration order where it can be.
Result<void> TaskGraph::Sort() {
  std::vector<std::size_t> waiting(size());
  std::priority_queue<TaskId, std::vector<TaskId>, std::greater<>> free;
  for (std::size_t i = 0; i < size(); ++i) {
    waiting[i] = producers(TaskId(i)).size();
    if (waiting[i] == 0) free.emplace(i);
  }
  order_.reserve(size());
  while (!free.empty()) {
    const TaskId task = free.top();
    free.pop();
    order_.push_back(task);
    for (const TaskId consumer : consumers(task)) {
      if (--waiting[consumer.index()] == 0) free.push(consumer);
    }
  }
  if (order_.size() == size()) return {};
  const auto stuck = std::ranges::find_if(waiting, [](std::size_t count) { return count > 0; });
  const TaskId start(static_cast<std::size_t>(stuck - waiting.begin()));
  return Error::Invalid("the tasks wait for each other: " + DescribeCycle(*this, waiting, start));
}

}  // namespace dml::core

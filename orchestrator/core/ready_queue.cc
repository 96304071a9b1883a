#include "orchestrator/core/ready_queue.h"

#include <algorithm>

#include "orchestrator/core/task_graph.h"

namespace dml::core {

std::vector<double> CriticalPaths(const TaskGraph& graph, const std::vector<double>& durations) {
  std::vector<double> path(graph.size());
  const auto order = graph.order();
  for (auto task = order.rbegin(); task != order.rend(); ++task) {
    double longest = 0;
    for (const TaskId consumer : graph.consumers(*task)) {
      longest = std::max(longest, path[consumer.index()]);
    }
    path[task->index()] = durations[task->index()] + longest;
  }
  return path;
}

}  // namespace dml::core

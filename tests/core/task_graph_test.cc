#include "orchestrator/core/task_graph.h"

#include <gtest/gtest.h>

#include "orchestrator/core/ready_queue.h"

namespace dml::core {
namespace {

using Edge = TaskGraph::Edge;

Edge Arrow(std::size_t producer, std::size_t consumer) {
  return {TaskId(producer), TaskId(consumer)};
}

TEST(TaskGraph, OrdersProducersFirstAndKeepsDeclarationOrder) {
  const std::vector<Edge> edges{Arrow(3, 0), Arrow(3, 1), Arrow(3, 1), Arrow(0, 2)};
  const auto graph = TaskGraph::Build(4, edges);
  ASSERT_TRUE(graph.ok());
  const std::vector<TaskId> order(graph->order().begin(), graph->order().end());
  EXPECT_EQ(order, (std::vector<TaskId>{TaskId(3), TaskId(0), TaskId(1), TaskId(2)}));
  EXPECT_EQ(graph->consumers(TaskId(3)).size(), 2U);
  EXPECT_EQ(graph->producers(TaskId(1)).size(), 1U);
}

TEST(TaskGraph, PrintsTheWholeCycle) {
  const std::vector<Edge> edges{Arrow(0, 1), Arrow(1, 2), Arrow(2, 1), Arrow(2, 3)};
  const auto graph = TaskGraph::Build(4, edges);
  ASSERT_FALSE(graph.ok());
  EXPECT_EQ(graph.error().kind, ErrorKind::kInvalid);
  EXPECT_EQ(graph.error().message, "the tasks wait for each other: 1 -> 2 -> 1");
}

TEST(TaskGraph, AnEmptyGraphIsAGraph) {
  const auto graph = TaskGraph::Build(0, {});
  ASSERT_TRUE(graph.ok());
  EXPECT_EQ(graph->size(), 0U);
}

TEST(CriticalPaths, AddUpAlongTheLongestChain) {
  const std::vector<Edge> edges{Arrow(0, 1), Arrow(1, 3), Arrow(2, 3)};
  const auto graph = TaskGraph::Build(4, edges);
  EXPECT_EQ(CriticalPaths(*graph, {1, 2, 10, 4}), (std::vector<double>{7, 6, 14, 4}));
}

}  // namespace
}  // namespace dml::core

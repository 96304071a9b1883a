#include "runners/ssh/placement.h"

#include <gtest/gtest.h>

namespace dml::ssh {
namespace {

NodeLoad Load(double used, double slots = 2) {
  NodeLoad load;
  load.usable = true;
  load.slots = slots;
  load.used = used;
  load.memory_bytes = 1000;
  return load;
}

TEST(Placement, TheLeastLoadedNodeTakesIt) {
  EXPECT_EQ(ChooseNode({}, std::vector{Load(1), Load(0), Load(1)}), 1U);
  EXPECT_EQ(ChooseNode({}, std::vector{Load(1), Load(2, 8)}), 1U);
}

TEST(Placement, FullNodesTakeNothing) {
  EXPECT_EQ(ChooseNode({}, std::vector{Load(2), Load(2)}), std::nullopt);
  Need queueable;
  queueable.queueable = true;
  EXPECT_TRUE(ChooseNode(queueable, std::vector{Load(2), Load(2)}).has_value());
}

TEST(Placement, DataPullsButNotForEver) {
  std::vector<NodeLoad> nodes{Load(0), Load(1)};
  nodes[0].missing_bytes = 200'000'000;
  EXPECT_EQ(ChooseNode({}, nodes), 1U);  // two seconds of transfer against half a node of load
  nodes[0].missing_bytes = 1'000;
  EXPECT_EQ(ChooseNode({}, nodes), 0U);
}

TEST(Placement, LabelsAndMemoryAreHard) {
  std::vector<NodeLoad> nodes{Load(0), Load(1)};
  nodes[1].labels = {"gpu", "big"};
  EXPECT_EQ(ChooseNode({1, 0, {"gpu"}, false}, nodes), 1U);
  EXPECT_EQ(ChooseNode({1, 0, {"tpu"}, false}, nodes), std::nullopt);
  nodes[1].memory_used = 600;
  EXPECT_EQ(ChooseNode({1, 500, {"gpu"}, false}, nodes), std::nullopt);
}

TEST(Placement, AnUnusableNodeTakesNothing) {
  std::vector<NodeLoad> nodes{Load(0)};
  nodes[0].usable = false;
  EXPECT_EQ(ChooseNode({}, nodes), std::nullopt);
}

}  // namespace
}  // namespace dml::ssh

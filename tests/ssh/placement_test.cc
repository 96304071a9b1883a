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

TEST(Placement, FilesThatOneNodeHasAreHard) {
  std::vector<NodeLoad> nodes{Load(0), Load(2)};
  nodes[0].name = "n1";
  nodes[1].name = "n2";
  Need need;
  need.node = "n2";
  EXPECT_EQ(ChooseNode(need, nodes), std::nullopt) << "rather than where the files are not";
  EXPECT_EQ(WhyNotNow(need, nodes),
            "n1: the files that it reads are on n2; n2: 2 of its 2 cores are taken");
  nodes[1].used = 1;
  EXPECT_EQ(ChooseNode(need, nodes), 1U);
  EXPECT_EQ(WhyThere(need, nodes, 1),
            "it has the files, 1 of 2 cores were in use, no other node could take it");
  nodes[1].usable = false;
  nodes[1].unusable = "not connected";
  EXPECT_EQ(ChooseNode(need, nodes), std::nullopt);
  EXPECT_EQ(WhyNotNow(need, nodes), "n1: the files that it reads are on n2; n2: not connected");
}

TEST(Placement, TheFasterNodeTakesItUnlessItIsBusy) {
  std::vector<NodeLoad> nodes{Load(0), Load(0)};
  nodes[1].speed = 2;
  EXPECT_EQ(ChooseNode({}, nodes), 1U);
  nodes[1].used = 1;  // half a node of load against half the time
  EXPECT_EQ(ChooseNode({}, nodes), 1U);
  nodes[1].speed = 1.2;
  EXPECT_EQ(ChooseNode({}, nodes), 0U);
}

TEST(Placement, DataIsWeighedAgainstTheLengthOfTheTask) {
  std::vector<NodeLoad> nodes{Load(0), Load(1)};
  nodes[0].missing_bytes = 200'000'000;
  Need need;
  need.seconds = 60;  // two seconds of transfer against half a minute of sharing
  EXPECT_EQ(ChooseNode(need, nodes), 0U);
  need.seconds = 1;
  EXPECT_EQ(ChooseNode(need, nodes), 1U);
}

TEST(Placement, SlotsLimitTasksWhateverTheCores) {
  std::vector<NodeLoad> nodes{Load(1, 8)};
  nodes[0].tasks = 1;
  nodes[0].tasks_max = 1;
  nodes[0].name = "n1";
  EXPECT_EQ(ChooseNode({}, nodes), std::nullopt);
  EXPECT_EQ(WhyNotNow({}, nodes), "n1: its 1 slots are taken");
  nodes[0].tasks_max = 2;
  EXPECT_EQ(ChooseNode({}, nodes), 0U);
}

TEST(Placement, ReasonsAreForPeople) {
  std::vector<NodeLoad> nodes{Load(0), Load(1), Load(2)};
  for (std::size_t i = 0; i < 3; ++i) nodes[i].name = "n" + std::to_string(i + 1);
  nodes[0].labels = {"gpu"};
  nodes[0].missing_bytes = 1 << 20;
  nodes[0].speed = 1.5;
  Need need;
  need.labels = {"gpu"};
  need.input_bytes = 4 << 20;
  EXPECT_EQ(WhyThere(need, nodes, 0),
            "it carries gpu, 3 MiB of 4 MiB input are there, 0 of 2 cores were in use, 1.5 times "
            "the average speed, no other node could take it");
  EXPECT_EQ(WhyThere({}, nodes, 1), "1 of 2 cores were in use, 1 other node could, later");
  nodes[0].unusable = "drained";
  nodes[0].usable = false;
  nodes[1].memory_used = 900;
  need = {1, 500, {}, false};
  EXPECT_EQ(WhyNotNow(need, nodes),
            "n1: drained; n2: 900 B of its 1000 B memory are taken; n3: 2 of its 2 cores are "
            "taken");
}

TEST(Placement, AnUnusableNodeTakesNothing) {
  std::vector<NodeLoad> nodes{Load(0)};
  nodes[0].usable = false;
  EXPECT_EQ(ChooseNode({}, nodes), std::nullopt);
}

}  // namespace
}  // namespace dml::ssh

#include "orchestrator/report/dag_layout.h"

#include <gtest/gtest.h>

namespace dml::report {
namespace {

bool Overlap(const DagLayout::Box& a, const DagLayout::Box& b) {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}

void ExpectSound(const std::vector<DagNode>& nodes, const DagLayout& layout) {
  ASSERT_EQ(layout.boxes.size(), nodes.size());
  for (std::size_t a = 0; a < nodes.size(); ++a) {
    const auto& box = layout.boxes[a];
    EXPECT_GE(box.x, 0);
    EXPECT_GE(box.y, 0);
    EXPECT_LE(box.x + box.width, layout.width);
    EXPECT_LE(box.y + box.height, layout.height);
    for (std::size_t b = a + 1; b < nodes.size(); ++b) {
      EXPECT_FALSE(Overlap(box, layout.boxes[b])) << a << " and " << b;
    }
    for (std::size_t producer : nodes[a].producers) {
      EXPECT_LT(layout.boxes[producer].x + layout.boxes[producer].width, box.x)
          << "edges go to the right";
    }
  }
}

TEST(DagLayout, EmptyAndSingle) {
  EXPECT_TRUE(LayOut({}).boxes.empty());
  const std::vector<DagNode> one{{"a", {}}};
  ExpectSound(one, LayOut(one));
}

TEST(DagLayout, ADiamondWithAShortcut) {
  const std::vector<DagNode> nodes{{"a", {}}, {"b", {0}}, {"c", {0}}, {"d", {1, 2}}, {"e", {3, 0}}};
  const DagLayout layout = LayOut(nodes);
  ExpectSound(nodes, layout);
  EXPECT_EQ(layout.edges.size(), 6U);
  // The shortcut a -> e bends in the two columns that it crosses.
  for (const auto& edge : layout.edges) {
    const bool shortcut = edge.from == 0 && edge.to == 4;
    EXPECT_EQ(edge.points.size(), shortcut ? 6U : edge.points.size());
  }
}

TEST(DagLayout, UncrossesWhatCanBeUncrossed) {
  // Two chains declared criss-cross: a1 -> b2 and a2 -> b1.
  const std::vector<DagNode> nodes{{"a1", {}}, {"a2", {}}, {"b1", {1}}, {"b2", {0}}};
  const DagLayout layout = LayOut(nodes);
  ExpectSound(nodes, layout);
  EXPECT_EQ(layout.boxes[0].y < layout.boxes[1].y, layout.boxes[3].y < layout.boxes[2].y);
}

TEST(DagLayout, ManyNodesStaySound) {
  std::vector<DagNode> nodes;
  for (std::size_t i = 0; i < 120; ++i) {
    DagNode& node = nodes.emplace_back();
    node.label = "node" + std::to_string(i);
    for (std::size_t k = 1; k <= 3; ++k) {
      const std::size_t producer = i * 7 % (k * 13 + 1);
      if (producer < i && i > 5) node.producers.push_back(producer);
    }
  }
  ExpectSound(nodes, LayOut(nodes));
}

}  // namespace
}  // namespace dml::report

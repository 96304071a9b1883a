#include "runners/ssh/node_speeds.h"

#include <gtest/gtest.h>

namespace dml::ssh {
namespace {

TEST(NodeSpeeds, TheFastNodeIsFoundWhateverTheKinds) {
  NodeSpeeds speeds;
  EXPECT_EQ(speeds.SpeedOf("a"), 1);
  EXPECT_EQ(speeds.SecondsOf("train"), 1);
  for (int i = 0; i < 20; ++i) {
    speeds.Observe("a", "train", 10);
    speeds.Observe("b", "train", 40);
    speeds.Observe("b", "load", 4);
    speeds.Observe("a", "load", 1);
  }
  EXPECT_NEAR(speeds.SpeedOf("a") / speeds.SpeedOf("b"), 4, 1);
  EXPECT_GT(speeds.SecondsOf("train"), 10);
  EXPECT_LT(speeds.SecondsOf("train"), 40);
  // The next process knows it, too.
  const NodeSpeeds again = NodeSpeeds::FromJson(speeds.ToJson());
  EXPECT_EQ(again.SpeedOf("a"), speeds.SpeedOf("a"));
  EXPECT_EQ(again.SecondsOf("load"), speeds.SecondsOf("load"));
}

TEST(NodeSpeeds, FewOrShortObservationsCountForNothing) {
  NodeSpeeds speeds;
  for (int i = 0; i < 3; ++i) speeds.Observe("a", "train", 10);
  speeds.Observe("b", "train", 1);
  EXPECT_EQ(speeds.SpeedOf("b"), 1);
  for (int i = 0; i < 9; ++i) speeds.Observe("b", "tiny", 0.001);
  EXPECT_EQ(speeds.SpeedOf("b"), 1);
}

TEST(NodeSpeeds, NonsenseInTheFileIsPassedOver) {
  for (const char* text : {"null", "[1]", R"({"kinds": 3, "nodes": {"a": "x", "b": [1e99, 9]}})",
                           R"({"nodes": {"a": [1], "b": [0.5, 1e300]}})"}) {
    const NodeSpeeds speeds = NodeSpeeds::FromJson(Json::parse(text));
    EXPECT_EQ(speeds.SpeedOf("a"), 1) << text;
    EXPECT_EQ(speeds.SpeedOf("b"), 1) << text;
  }
}

TEST(NodeSpeeds, TasksOfAStepAreOfAKind) {
  EXPECT_EQ(KindOf("train@C=0.1"), "train");
  EXPECT_EQ(KindOf("load[3]"), "load");
  EXPECT_EQ(KindOf("best"), "best");
}

}  // namespace
}  // namespace dml::ssh

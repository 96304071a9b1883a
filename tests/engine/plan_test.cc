// Goal: a plan says what will happen, as far as anybody can know it before.

#include "tests/engine/session_fixture.h"

namespace dml::engine {
namespace {

using core::Decision;

class PlanTest : public SessionTest {
 protected:
  [[nodiscard]] core::PlannedTask Planned(const PipelineMaker& maker, TaskId task,
                                          const RunOptions& options = {}) {
    const auto plan = MakePlan(*home_, maker.pipeline, options, clock_);
    EXPECT_TRUE(plan.ok()) << plan.error().Render();
    return plan.ok() ? plan->tasks[task] : core::PlannedTask{};
  }
};

TEST_F(PlanTest, WhatRunsWhateverWasDoneBeforeDoesNotWaitToBeDecided) {
  PipelineMaker maker;
  const TaskId a = maker.Add("a", {}, {{"v", 1}});
  const TaskId b = maker.Add("b", {a});
  const TaskId c = maker.Add("c", {b});
  const TaskId d = maker.Add("d", {c});
  maker[c].cache = false;
  Run(maker.pipeline);
  std::get<pipelines::NativeWork>(maker[a].work).params["v"] = 2;
  EXPECT_EQ(Planned(maker, b).decision, Decision::kMaybe);
  EXPECT_EQ(Planned(maker, b).reason, "waits for a");
  EXPECT_EQ(Planned(maker, c).decision, Decision::kRun);
  EXPECT_EQ(Planned(maker, c).reason, "cache: false");
  EXPECT_EQ(Planned(maker, d).reason, "waits for c");
  for (const TaskId task : {a, b, c, d}) {
    EXPECT_EQ(Planned(maker, task, {.no_cache = true}).decision, Decision::kRun);
    EXPECT_EQ(Planned(maker, task, {.force = true}).decision, Decision::kRun);
  }
  EXPECT_EQ(Planned(maker, d, {.no_cache = true}).reason, "--no-cache");
  EXPECT_EQ(Planned(maker, d, {.force = true}).reason, "forced");
  maker[b].never = true;
  for (const TaskId task : {b, c, d}) {
    EXPECT_NE(Planned(maker, task, {.force = true}).decision, Decision::kRun) << "b is skipped";
  }
}

TEST_F(PlanTest, WhatHasChangedByItselfIsToldBesideWhatItWaitsFor) {
  PipelineMaker maker;
  const TaskId a = maker.Add("a", {}, {{"v", 1}});
  const TaskId b = maker.Add("b", {a}, {{"k", 1}});
  const TaskId c = maker.Add("c", {b});
  Run(maker.pipeline);
  std::get<pipelines::NativeWork>(maker[a].work).params["v"] = 2;
  std::get<pipelines::NativeWork>(maker[b].work).params["k"] = 2;
  EXPECT_EQ(Planned(maker, b).decision, Decision::kMaybe);
  EXPECT_EQ(Planned(maker, b).reason, "waits for a; params.k 1 -> 2");
  EXPECT_EQ(Planned(maker, b).changes, (Names{"waits for a", "params.k 1 -> 2"}));
  EXPECT_EQ(Planned(maker, c).reason, "waits for b");
}

TEST_F(PlanTest, ARunWithoutTheCacheLeavesNothingToReuse) {
  PipelineMaker maker;
  const TaskId a = maker.Add("a");
  maker.Add("b", {a});
  const Ran uncached = Run(maker.pipeline, {.no_cache = true});
  EXPECT_EQ(uncached.launched, (Names{"a", "b"}));
  EXPECT_EQ(Planned(maker, a).decision, Decision::kRun);
  EXPECT_EQ(Planned(maker, a).reason, "its earlier result is not for reuse");
  EXPECT_EQ(Run(maker.pipeline).launched, (Names{"a", "b"}));
  Run(maker.pipeline, {.no_cache = true});
  EXPECT_EQ(Run(maker.pipeline).launched, Names{}) << "what was kept before still is";
}

}  // namespace
}  // namespace dml::engine

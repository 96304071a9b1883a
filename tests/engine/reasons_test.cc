// Goal: the reason that is given for a task is the true one, and names what has changed.

#include "orchestrator/engine/reasons.h"

#include "tests/engine/session_fixture.h"

namespace dml::engine {
namespace {

using core::TaskState;

class ReasonsTest : public SessionTest {
 protected:
  [[nodiscard]] std::string Why(const PipelineMaker& maker, TaskId task) {
    const auto plan = MakePlan(*home_, maker.pipeline, {}, clock_);
    EXPECT_TRUE(plan.ok()) << plan.error().Render();
    return plan.ok() ? plan->tasks[task].reason : "";
  }
};

// Three that are read, and who reads them in this order.
struct Readers {
  explicit Readers(const std::vector<std::size_t>& order, int c = 3) {
    const std::vector<TaskId> made{maker.Add("a", {}, {{"v", 1}}), maker.Add("b", {}, {{"v", 2}}),
                                   maker.Add("c", {}, {{"v", c}})};
    std::vector<TaskId> inputs;
    for (const std::size_t one : order) inputs.push_back(made[one]);
    reader = maker.Add("reader", inputs);
  }
  PipelineMaker maker;
  TaskId reader;
};

TEST_F(ReasonsTest, AnEqualStepHasItsResultFromTheOther) {
  PipelineMaker maker;
  maker.Add("a", {}, {{"v", 1}});
  const TaskId b = maker.Add("b", {}, {{"v", 1}});
  const Ran ran = Run(maker.pipeline);
  EXPECT_EQ(ran.launched, Names{"a"});
  EXPECT_EQ(ran.observer.Reason(b, TaskState::kReused), "the same work as a");
  EXPECT_EQ(Why(maker, b), "unchanged");
}

TEST_F(ReasonsTest, ARenamedStepHasItsResultFromItsOldName) {
  PipelineMaker before;
  before.Add("a", {}, {{"v", 1}});
  Run(before.pipeline);
  PipelineMaker renamed;
  const TaskId b = renamed.Add("b", {}, {{"v", 1}});
  EXPECT_EQ(Why(renamed, b), "the same work as a of an earlier run");
  EXPECT_EQ(Run(renamed.pipeline).observer.Reason(b, TaskState::kReused),
            "the same work as a of an earlier run");
  PipelineMaker changed;
  changed.Add("b", {}, {{"v", 2}});
  EXPECT_EQ(Why(changed, b), "params.v 1 -> 2");
}

TEST_F(ReasonsTest, AnInputThatIsTakenOutOfAListBlamesNobodyElse) {
  Run(Readers({0, 1, 2}).maker.pipeline);
  const Readers shorter({0, 2});
  EXPECT_EQ(Why(shorter.maker, shorter.reader), "input in: 1 of 3 removed");
  const Readers longer({0, 1, 2, 0});
  EXPECT_EQ(Why(longer.maker, longer.reader), "input in: a added");
  const Readers other({1, 0, 2});
  EXPECT_EQ(Why(other.maker, other.reader), "input in: the same in another order");
}

TEST_F(ReasonsTest, EqualBytesAreCountedOneByOne) {
  Run(Readers({0, 0, 1}).maker.pipeline);
  const Readers once({0, 1});
  EXPECT_EQ(Why(once.maker, once.reader), "input in: 1 of 3 removed");
}

TEST_F(ReasonsTest, AnotherProducerIsNamed) {
  Run(Readers({0}).maker.pipeline);
  const Readers other({1});
  EXPECT_EQ(Why(other.maker, other.reader), "input in is b now");
  const Readers none({});
  EXPECT_EQ(Why(none.maker, none.reader), "input in removed");
  const Readers more({0, 1});
  EXPECT_EQ(Why(more.maker, more.reader), "input in: b added");
}

// One whose result came out in a run that this one had no part in.
TEST_F(ReasonsTest, AProducerThatIsReusedHasAReasonToo) {
  Run(Readers({1, 2}).maker.pipeline);
  const Readers changed({1, 2}, 4);
  RunOptions part;
  part.until = {"c"};
  Run(changed.maker.pipeline, part);
  EXPECT_EQ(Why(changed.maker, changed.reader), "input c: params.v 3 -> 4");
}

// A step "t" for each of these values of C and p, and one that reads them all.
struct Grid {
  struct Point {
    std::string name;
    double c;
    std::string p = "a";
    int k = 1;
  };
  explicit Grid(const std::vector<Point>& points) {
    std::vector<TaskId> all;
    for (const Point& one : points) {
      all.push_back(maker.Add(one.name, {}, {{"C", one.c}, {"p", one.p}, {"k", one.k}}));
      maker[all.back()].step = "t";
    }
    maker.Add("best", all);
  }
  PipelineMaker maker;
};

TEST_F(ReasonsTest, AChangedMatrixIsTold) {
  struct Case {
    const char* what;
    std::vector<Grid::Point> now;
    Names told;  // of the instances
  };
  const Case cases[] = {
      {"a value more",
       {{"t@C=1", 1}, {"t@C=2", 2}, {"t@C=3", 3}},
       {"unchanged", "unchanged", "new in the matrix: C=3"}},
      {"a value less", {{"t@C=2", 2}}, {"unchanged"}},
      {"another value",
       {{"t@C=1", 1}, {"t@C=3", 3}},
       {"unchanged", "in place of t@C=2: params.C 2.0 -> 3.0"}},
      {"another value, and another parameter of all",
       {{"t@C=1", 1, "a", 2}, {"t@C=3", 3, "a", 2}},
       {"params.k 1 -> 2", "in place of t@C=2: params.C 2.0 -> 3.0; params.k 1 -> 2"}},
      {"an axis more",
       {{"t@C=1,p=a", 1, "a"}, {"t@C=1,p=b", 1, "b"}, {"t@C=2,p=b", 2, "b"}},
       {"the same work as t@C=1 of an earlier run", "in place of t@C=1: params.p \"a\" -> \"b\"",
        "in place of t@C=2: params.p \"a\" -> \"b\""}},
      {"an axis with another name",
       {{"t@c=1", 1}, {"t@c=2", 2}},
       {"the same work as t@C=1 of an earlier run", "the same work as t@C=2 of an earlier run"}},
      {"a label that changed with what it stands for",
       {{"t@C=one", 1.5}, {"t@C=2", 2}},
       {"in place of t@C=1: params.C 1.0 -> 1.5", "unchanged"}},
      {"no matrix any more", {{"t", 5}}, {"in place of t@C=1: params.C 1.0 -> 5.0"}},
      {"foreach instead", {{"t[0]", 5}}, {"in place of t@C=1: params.C 1.0 -> 5.0"}},
  };
  Run(Grid({{"t@C=1", 1}, {"t@C=2", 2}}).maker.pipeline);
  for (const Case& one : cases) {
    const Grid grid(one.now);
    Names told;
    for (std::size_t i = 0; i < one.now.size(); ++i) told.push_back(Why(grid.maker, TaskId(i)));
    EXPECT_EQ(told, one.told) << one.what;
  }
}

TEST_F(ReasonsTest, WhatHasFailedBeforeIsNotNew) {
  const Grid grid({{"t@C=1", 1}, {"t@C=2", 2}, {"t@C=3", 3}});
  Run(grid.maker.pipeline, {.keep_going = true}, [](ImmediateRunner& runner) {
    runner.failures["t@C=2"] = {runners::ExitFailure{Error::Task("no"), 1}};
  });
  EXPECT_EQ(Why(grid.maker, TaskId(1)), "no earlier result");
  const Grid more({{"t@C=1", 1}, {"t@C=2", 2}, {"t@C=3", 3}, {"t@C=4", 4}});
  EXPECT_EQ(Why(more.maker, TaskId(3)), "new in the matrix: C=4");
  EXPECT_EQ(Why(more.maker, TaskId(1)), "no earlier result");
}

// What the matrix of one step brings, another that goes with it has as well.
TEST_F(ReasonsTest, WhatReadsANewInstanceIsToldFromItsOwnKin) {
  const auto pipeline = [](const char* value, int c) {
    PipelineMaker maker;
    const TaskId t = maker.Add(std::string("t@C=") + value, {}, {{"C", c}});
    maker.Add(std::string("e@C=") + value, {t});
    return maker;
  };
  Run(pipeline("1", 1).pipeline);
  const Ran ran = Run(pipeline("2", 2).pipeline);
  EXPECT_EQ(ran.observer.Reason(TaskId(0), TaskState::kLaunching),
            "in place of t@C=1: params.C 1 -> 2");
  EXPECT_EQ(ran.observer.Reason(TaskId(1), TaskState::kLaunching),
            "in place of e@C=1: input in is t@C=2 now");
}

TEST_F(ReasonsTest, EveryInputThatChangedIsNamed) {
  const auto pipeline = [](int v) {
    PipelineMaker maker;
    const TaskId a = maker.Add("a", {}, {{"v", v}});
    const TaskId b = maker.Add("b", {}, {{"w", v}});
    maker.Add("reader", {a, b});
    return maker;
  };
  Run(pipeline(1).pipeline);
  EXPECT_EQ(Run(pipeline(2).pipeline).observer.Reason(TaskId(2), TaskState::kLaunching),
            "input a: params.v 1 -> 2; input b: params.w 1 -> 2");
}

}  // namespace
}  // namespace dml::engine

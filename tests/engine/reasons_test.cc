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

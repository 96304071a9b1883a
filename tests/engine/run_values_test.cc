// Values that exist only once other tasks are done: metrics in parameters, and conditions.

#include "orchestrator/core/fingerprint.h"
#include "tests/engine/session_fixture.h"

namespace dml::engine {
namespace {

using core::TaskState;

class RunValues : public SessionTest {
 protected:
  // "a" reports the metric "inputs" (0: it has none); what is added waits for it.
  PipelineMaker maker_;
  TaskId a_ = maker_.Add("a");

  TaskId AddReader(const std::string& name) {
    const TaskId task = maker_.Add(name, {}, {{"x", name}});
    maker_[task].metric_references = {{a_, "inputs", "a"}};
    return task;
  }
  void SetCondition(TaskId task, const std::string& text, bool reads_status = false) {
    maker_[task].condition = {text, {"p.yaml", 9, 9}, reads_status};
  }
  void FillFromMetric(TaskId task, const std::string& metric) {
    auto spec = std::make_shared<ParamSpec>();
    spec->name = "x";
    spec->type = ParamType::kInt;
    maker_[task].metric_references = {{a_, metric, "a"}};
    maker_[task].deferred = {{"/params/x", "${steps.a.metrics." + metric + "}", spec}};
  }
  static Prepare Fail(const std::string& name) {
    return [name](ImmediateRunner& runner) {
      runner.failures[name] = {runners::ExitFailure{Error::Task("boom"), 1}};
    };
  }
};

TEST_F(RunValues, AMetricBecomesAParameterAndPartOfTheKey) {
  const TaskId b = maker_.Add("b");
  FillFromMetric(b, "inputs");
  const Ran ran = Run(maker_.pipeline);
  ASSERT_EQ(ran.launched, (Names{"a", "b"})) << "b waits for the metric";
  EXPECT_EQ(std::get<0>(ran.specs[1].work)[0].params["x"], 0);
  EXPECT_EQ(Run(maker_.pipeline).launched, Names{}) << "the same value gives the same key";
  EXPECT_EQ(core::ParseKeyFields(Tasks(ran.result.run)[1].result->fields)["work"][0]["params"]["x"],
            0);
}

TEST_F(RunValues, AMetricThatWasNotReportedIsAFailureThatNamesIt) {
  const TaskId b = maker_.Add("b");
  FillFromMetric(b, "gain");
  const Ran ran = Run(maker_.pipeline);
  EXPECT_EQ(ran.launched, Names{"a"});
  const std::string reason = ran.observer.Reason(b, TaskState::kFailed);
  EXPECT_NE(reason.find("'a' reported no metric 'gain'"), std::string::npos) << reason;
  EXPECT_NE(reason.find("p.yaml:3:5"), std::string::npos) << reason;
}

TEST_F(RunValues, AConditionOverAMetricRunsOrSkips) {
  const TaskId yes = AddReader("yes");
  const TaskId no = AddReader("no");
  const TaskId after = maker_.Add("after", {no});
  SetCondition(yes, "steps.a.metrics.inputs < 1");
  SetCondition(no, "steps.a.metrics.inputs > 1");
  const Ran ran = Run(maker_.pipeline);
  EXPECT_EQ(ran.launched, (Names{"a", "yes"}));
  EXPECT_EQ(ran.observer.Reason(no, TaskState::kSkipped),
            "if: steps.a.metrics.inputs > 1 is false");
  EXPECT_EQ(ran.observer.Reason(after, TaskState::kSkipped), "no skipped");
  EXPECT_EQ(ran.result.outcome, state::RunOutcome::kSucceeded);
}

TEST_F(RunValues, AConditionThatCannotBeEvaluatedFailsItsTask) {
  const TaskId b = AddReader("b");
  SetCondition(b, "steps.a.metrics.inputs < 'text'");
  const Ran ran = Run(maker_.pipeline);
  EXPECT_EQ(ran.result.outcome, state::RunOutcome::kFailed);
  const std::string reason = ran.observer.Reason(b, TaskState::kFailed);
  EXPECT_NE(reason.find("p.yaml:9:9"), std::string::npos) << reason;
}

TEST_F(RunValues, AMetricThatIsComparedAndDoesNotExistIsNamedWithANearOne) {
  const TaskId b = maker_.Add("b");
  maker_[b].metric_references = {{a_, "inptus", "a"}};
  SetCondition(b, "${steps.a.metrics.inptus} > 0.5");
  const TaskId c = maker_.Add("c", {}, {{"x", "c"}});
  FillFromMetric(c, "input");
  const Ran ran = Run(maker_.pipeline);
  const std::string reason = ran.observer.Reason(b, TaskState::kFailed);
  EXPECT_NE(reason.find("step 'a' reported no metric 'inptus'"), std::string::npos) << reason;
  EXPECT_NE(reason.find("did you mean 'inputs'?"), std::string::npos) << reason;
  EXPECT_NE(reason.find("p.yaml:9:9"), std::string::npos) << reason;
  const std::string filled = ran.observer.Reason(c, TaskState::kFailed);
  EXPECT_NE(filled.find("did you mean 'inputs'?"), std::string::npos) << filled;
}

TEST_F(RunValues, FailureAndAlwaysRunAfterAFailedProducer) {
  const TaskId on_failure = maker_.Add("on_failure", {a_}, {{"x", 1}});
  const TaskId always = maker_.Add("always", {a_}, {{"x", 2}});
  const TaskId on_success = maker_.Add("on_success", {a_}, {{"x", 3}});
  SetCondition(on_failure, "failure()", true);
  SetCondition(always, "always()", true);
  SetCondition(on_success, "success()", true);
  const Ran ran = Run(maker_.pipeline, {.keep_going = true}, Fail("a"));
  EXPECT_EQ(ran.launched, (Names{"a", "on_failure", "always"}));
  EXPECT_EQ(ran.observer.Reason(on_success, TaskState::kSkipped), "if: success() is false");
  const Ran well = Run(maker_.pipeline, {.keep_going = true});
  EXPECT_EQ(well.launched, (Names{"a", "always", "on_success"}));
  EXPECT_EQ(well.observer.Reason(on_failure, TaskState::kSkipped), "if: failure() is false");
}

}  // namespace
}  // namespace dml::engine

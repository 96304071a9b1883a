// Goal: what only a node has counts by its content, and is looked at before anything is decided.

#include "tests/engine/session_fixture.h"

namespace dml::engine {
namespace {

using core::TaskState;

class NodeFilesTest : public SessionTest {
 protected:
  // A task that reads a file of a node.
  TaskId AddReader(const std::string& name, const std::string& node, const std::string& file) {
    const TaskId task = maker_.Add(name, {}, {{"path", file}});
    maker_[task].files = {{"path", file, {"p.yaml", 4, 9}, node}};
    return task;
  }
  Ran RunWith(std::map<std::string, Result<std::string>> there,
              std::map<std::string, std::vector<runners::ExitReason>> failures = {}) {
    return Run(maker_.pipeline, {}, [&](ImmediateRunner& runner) {
      runner.there = std::move(there);
      runner.failures = std::move(failures);
      runner.on_launch = [this, &runner] { looks_ = runner.looks; };
    });
  }

  PipelineMaker maker_;
  Names looks_;  // before the last launch
};

TEST_F(NodeFilesTest, AreReadInPlaceAndCountByTheirContent) {
  const TaskId task = AddReader("a", "n2", "a.csv");
  const Ran first = RunWith({{"n2:a.csv", std::string("x,y")}});
  ASSERT_EQ(first.launched, Names{"a"});
  ASSERT_EQ(first.specs[0].files.size(), 1U);
  const runners::FileSet& set = first.specs[0].files[0];
  ASSERT_TRUE(set.in_place.has_value());
  EXPECT_EQ(set.in_place->node, "n2");
  EXPECT_EQ(set.in_place->param, "/path");
  EXPECT_EQ(set.files.at(0).path, "/home/a.csv");
  EXPECT_EQ(set.in_place->stamps.at(0).size, 3);

  EXPECT_EQ(RunWith({{"n2:a.csv", std::string("x,y")}}).launched, Names{});
  maker_[task].files[0].node = "n3";
  EXPECT_EQ(RunWith({{"n3:a.csv", std::string("x,y")}}).launched, Names{}) << "the same bytes";
  const Ran changed = RunWith({{"n3:a.csv", std::string("x,y,z")}});
  EXPECT_EQ(changed.launched, Names{"a"});
  maker_[task].files[0].node = "n2";
  EXPECT_EQ(RunWith({{"n2:a.csv", std::string("x,y,z")}}).launched, Names{});
  EXPECT_EQ(RunWith({{"n2:a.csv", std::string("x,y,w")}}).launched, Names{"a"});
}

TEST_F(NodeFilesTest, AChangedOneIsTheReason) {
  const TaskId task = AddReader("a", "n2", "a.csv");
  RunWith({{"n2:a.csv", std::string("x,y")}});
  const core::Plan plan = MakePlan(*home_, maker_.pipeline, {}, clock_).value();
  EXPECT_EQ(plan.tasks[task].decision, core::Decision::kMaybe);
  EXPECT_EQ(plan.tasks[task].reason, "the files of node n2 are looked at when the run starts");
  const Ran changed = RunWith({{"n2:a.csv", std::string("x,y,z")}});
  EXPECT_EQ(changed.observer.Reason(task, TaskState::kLaunching), "file n2:a.csv changed");
}

TEST_F(NodeFilesTest, AreLookedAtOnceForAllWhoReadThem) {
  AddReader("a", "n2", "a.csv");
  AddReader("b", "n2", "a.csv");
  AddReader("c", "n3", "a.csv");
  maker_[TaskId(1)].work = pipelines::NativeWork{"fake.step", 1, {{"path", "a.csv"}, {"x", 1}}};
  const Ran ran = RunWith({{"n2:a.csv", std::string("x")}, {"n3:a.csv", std::string("y")}});
  EXPECT_EQ(ran.result.outcome, state::RunOutcome::kSucceeded);
  EXPECT_EQ(ran.launched.size(), 3U);
  EXPECT_EQ(looks_, (Names{"n2:a.csv", "n3:a.csv"}));
}

TEST_F(NodeFilesTest, ThatAreNotThereAreWrongInput) {
  const TaskId task = AddReader("a", "n2", "a.csv");
  const Ran ran = RunWith({});
  EXPECT_EQ(ran.result.outcome, state::RunOutcome::kFailed);
  EXPECT_TRUE(ran.result.invalid_input);
  EXPECT_NE(ran.observer.Reason(task, TaskState::kFailed).find("p.yaml:4:9"), std::string::npos)
      << ran.observer.Reason(task, TaskState::kFailed);
}

// Not the fault of the task: whoever resumes the run asks again.
TEST_F(NodeFilesTest, OfANodeThatIsGoneInterruptTheRun) {
  AddReader("a", "n2", "a.csv");
  const Ran ran = RunWith({{"n2:a.csv", Error::Environment("n2 is away")}});
  EXPECT_EQ(ran.result.outcome, state::RunOutcome::kInterrupted);
  RecordingObserver observer;
  RunSession session(*home_, maker_.pipeline, {}, clock_, observer);
  ImmediateRunner runner(session.events());
  runner.there = {{"n2:a.csv", std::string("x")}};
  const auto resumed = session.Resume(ran.result.run, runner);
  ASSERT_TRUE(resumed.ok()) << resumed.error().Render();
  EXPECT_EQ(resumed->outcome, state::RunOutcome::kSucceeded);
  EXPECT_EQ(runner.looks, Names{"n2:a.csv"});
}

// It may have changed, and that may be why.
TEST_F(NodeFilesTest, AreLookedAtAnewAfterAnAttemptThatWasLost) {
  AddReader("a", "n2", "a.csv");
  const auto lost = runners::ExitFailure{Error::Environment("the file changed"), 3};
  const Ran ran = RunWith({{"n2:a.csv", std::string("x")}}, {{"a", {lost}}});
  EXPECT_EQ(ran.result.outcome, state::RunOutcome::kSucceeded);
  EXPECT_EQ(ran.launched, (Names{"a", "a"}));
  EXPECT_EQ(looks_, (Names{"n2:a.csv", "n2:a.csv"}));
}

}  // namespace
}  // namespace dml::engine

// Goal: an attempt that did not read the files that its key tells of says nothing about the task.

#include <fstream>

#include "tests/engine/session_fixture.h"

namespace dml::engine {
namespace {

using core::TaskState;

class LocalFiles : public SessionTest {
 protected:
  // A task that reads the file.
  TaskId AddReader(const std::string& name) {
    const TaskId task = maker_.Add(name, {}, {{"path", path_}, {"name", name}});
    maker_[task].files = {{"path", path_, {"p.yaml", 4, 9}}};
    return task;
  }
  // Somebody writes the file, longer each time, while the first `times` batches are under way.
  Ran RunWhileItChanges(std::size_t times,
                        std::map<std::string, std::vector<runners::ExitReason>> failures) {
    std::ofstream(path_) << "x\n";
    return Run(maker_.pipeline, {}, [&, times](ImmediateRunner& runner) {
      runner.failures = std::move(failures);
      runner.on_launch = [this, times, batches = std::size_t{0}]() mutable {
        if (batches++ < times) std::ofstream(path_, std::ios::app) << batches << "\n";
      };
    });
  }

  PipelineMaker maker_;
  const std::string path_ = folder_ + "/a.csv";
  const runners::ExitReason ragged_ =
      runners::ExitFailure{Error::Invalid("row 3 is ragged").At("a.csv:3"), 2};
};

TEST_F(LocalFiles, AFailureOverAFileThatChangedIsNoneOfTheTask) {
  AddReader("a");
  const runners::ExitReason ends[] = {ragged_, runners::ExitFailure{Error::Task("no"), 1},
                                      runners::ExitSignal{7, false}, runners::ExitTimeout{}};
  for (const runners::ExitReason& end : ends) {
    maker_[TaskId(0)].outputs.clear();
    std::get<pipelines::NativeWork>(maker_[TaskId(0)].work).params["end"] = &end - &ends[0];
    const Ran ran = RunWhileItChanges(1, {{"a", {end}}});
    EXPECT_EQ(ran.result.outcome, state::RunOutcome::kSucceeded);
    ASSERT_EQ(ran.launched, (Names{"a", "a"}));
    EXPECT_EQ(ran.specs[0].files[0].files[0].digest, Sha256::Of("x\n"));
    EXPECT_EQ(ran.specs[1].files[0].files[0].digest, Sha256::Of("x\n1\n")) << "decided anew";
  }
}

TEST_F(LocalFiles, AFailureOverAFileThatDidNotStands) {
  const TaskId a = AddReader("a");
  const Ran ran = RunWhileItChanges(0, {{"a", {ragged_}}});
  EXPECT_EQ(ran.result.outcome, state::RunOutcome::kFailed);
  EXPECT_EQ(ran.launched, Names{"a"});
  EXPECT_EQ(ran.observer.Reason(a, TaskState::kFailed), "a.csv:3: row 3 is ragged");
}

TEST_F(LocalFiles, OneThatChangesForEverEndsTheRunForNow) {
  const TaskId a = AddReader("a");
  const Ran ran = RunWhileItChanges(100, {{"a", {20, ragged_}}});
  EXPECT_EQ(ran.result.outcome, state::RunOutcome::kInterrupted);
  EXPECT_EQ(ran.launched.size(), 4U);
  EXPECT_EQ(ran.observer.Reason(a, TaskState::kFailed),
            "the file '" + path_ +
                "' changed while the task was under way, which ended with: a.csv:3: row 3 is "
                "ragged; a file that goes on changing has to be copied first; 4 attempts were "
                "lost, and retry.infrastructure_limit is 3: `dml resume` tries as often again");
}

TEST_F(LocalFiles, OneThatIsGoneIsMissing) {
  const TaskId a = AddReader("a");
  std::ofstream(path_) << "x\n";
  const Ran ran = Run(maker_.pipeline, {}, [&](ImmediateRunner& runner) {
    runner.failures = {{"a", {ragged_}}};
    runner.on_launch = [this] { std::filesystem::remove(path_); };
  });
  EXPECT_EQ(ran.result.outcome, state::RunOutcome::kFailed);
  EXPECT_EQ(ran.launched, Names{"a"});
  EXPECT_NE(ran.observer.Reason(a, TaskState::kFailed).find("there is no file"), std::string::npos);
}

// That one of them has noticed, and looked again, is no news to the key of the other.
TEST_F(LocalFiles, EveryTaskThatReadTheOldOneReadsTheNew) {
  AddReader("a");
  AddReader("b");
  const Ran ran = RunWhileItChanges(1, {});
  EXPECT_EQ(ran.result.outcome, state::RunOutcome::kSucceeded);
  Names launched = ran.launched;
  std::ranges::sort(launched);
  EXPECT_EQ(launched, (Names{"a", "a", "b", "b"}));
  std::ofstream(path_) << "x\n";
  EXPECT_EQ(Run(maker_.pipeline).launched.size(), 2U) << "nothing was filed under the old content";
}

}  // namespace
}  // namespace dml::engine

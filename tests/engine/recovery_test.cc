// Runs whose process is killed, and what the next one makes of them.

#include "orchestrator/engine/recovery.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "orchestrator/engine/file_lock.h"
#include "orchestrator/engine/stop_run.h"
#include "tests/engine/session_fixture.h"

namespace dml::engine {
namespace {

using core::TaskState;

class Recovery : public SessionTest {
 protected:
  // Runs in a process of its own that kills itself once the n-th task was launched and executed,
  // and before anybody has heard of that.
  void RunAndDieAfter(std::size_t launches, const RunOptions& options = {}) {
    const pid_t child = ::fork();
    if (child == 0) {
      RecordingObserver observer;
      RunSession session(*home_, maker_.pipeline, options, clock_, observer);
      ImmediateRunner runner(session.events());
      runner.on_launch = [&] {
        if (runner.launched.size() >= launches) ::kill(::getpid(), SIGKILL);
      };
      if (session.Run(runner).ok()) ::_exit(0);
      ::_exit(1);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << "it lived on";
  }

  Ran Resume(RunId run = RunId{1}, const RunOptions& options = {}, const Prepare& prepare = {}) {
    Ran ran;
    RunSession session(*home_, maker_.pipeline, options, clock_, ran.observer);
    ImmediateRunner runner(session.events());
    if (prepare) prepare(runner);
    auto result = session.Resume(run, runner);
    EXPECT_TRUE(result.ok()) << result.error().Render();
    if (result.ok()) ran.result = *result;
    ran.launched = runner.Names();
    ran.specs = runner.launched;
    return ran;
  }
  std::optional<Error> WhyNotResume(RunId run) {
    RecordingObserver observer;
    RunSession session(*home_, maker_.pipeline, {}, clock_, observer);
    ImmediateRunner runner(session.events());
    auto result = session.Resume(run, runner);
    return result.ok() ? std::nullopt : std::optional(result.error());
  }
  void AddChain() {
    TaskId last = maker_.Add("a", {}, {{"x", 1}});
    for (const char* name : {"b", "c", "d"}) last = maker_.Add(name, {last});
  }
  [[nodiscard]] std::string OutcomeOf(std::int64_t run) const {
    return state::RunView::Open(home_->path())->Find(std::to_string(run))->outcome;
  }

  PipelineMaker maker_;
};

TEST_F(Recovery, AResumedRunRepeatsNothingFinished) {
  AddChain();
  RunAndDieAfter(3);
  const Ran ran = Resume();
  EXPECT_EQ(ran.launched, (Names{"c", "d"})) << "c was running";
  EXPECT_EQ(ran.specs[0].key.attempt.value, 2U) << "a new number: the old attempt is fenced off";
  EXPECT_EQ(ran.result.run, RunId{1});
  EXPECT_EQ(ran.result.outcome, state::RunOutcome::kSucceeded);
  EXPECT_EQ(ran.result.count(TaskState::kSucceeded), 4U);
  EXPECT_EQ(CountAttemptFolders(RunId{1}), 0U) << "nothing lies about";
  const auto tasks = Tasks(RunId{1});
  EXPECT_EQ(tasks[2].attempts.size(), 2U);
  for (const auto& task : tasks) ASSERT_TRUE(task.result.has_value()) << task.name;
}

// On a node attempts go on without us: with the files that they were given.
TEST_F(Recovery, AnAttemptThatGoesOnIsTakenUpUnlessItsFilesHaveChanged) {
  const std::string path = folder_ + "/a.csv";
  const auto resume = [&] {
    return Resume(RunId{1}, {}, [](ImmediateRunner& runner) { runner.remembers = true; });
  };
  std::ofstream(path) << "x\n";
  maker_[maker_.Add("a", {}, {{"path", path}})].files = {{"path", path, {"p.yaml", 4, 9}}};
  RunAndDieAfter(1);
  const Ran same = resume();
  ASSERT_EQ(same.launched, Names{"a"});
  EXPECT_EQ(same.specs[0].key.attempt.value, 1U) << "taken up";

  std::filesystem::remove_all(home_->path());
  home_ = std::make_unique<Home>(Home::Open(folder_ + "/home", "/").value());
  RunAndDieAfter(1);
  std::ofstream(path) << "x\n2\n";
  const Ran other = resume();
  ASSERT_EQ(other.launched, Names{"a"});
  EXPECT_EQ(other.specs[0].key.attempt.value, 2U) << "the first has read something else";
  EXPECT_EQ(other.result.outcome, state::RunOutcome::kSucceeded);
}

TEST_F(Recovery, ItMayBeKilledAsOftenAsItLikes) {
  AddChain();
  RunAndDieAfter(1);
  for (int times = 0; times < 5; ++times) {
    const pid_t child = ::fork();
    if (child == 0) {
      RecordingObserver observer;
      RunSession session(*home_, maker_.pipeline, {}, clock_, observer);
      ImmediateRunner runner(session.events());
      runner.on_launch = [] { ::kill(::getpid(), SIGKILL); };
      (void)session.Resume(RunId{1}, runner);
      ::_exit(1);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status));
  }
  const Ran ran = Resume();
  EXPECT_EQ(ran.result.outcome, state::RunOutcome::kSucceeded) << "dml's own death costs no budget";
  EXPECT_EQ(ran.specs[0].key.attempt.value, 7U);
}

TEST_F(Recovery, ANewRunSeesToTheDeadOneAndItStaysResumable) {
  AddChain();
  RunAndDieAfter(2);
  EXPECT_GE(CountAttemptFolders(RunId{1}), 1U);
  PipelineMaker other;
  other.pipeline.file = "/demo/other.yaml";
  other.Add("z");
  EXPECT_EQ(Run(other.pipeline).result.run, RunId{2});
  EXPECT_EQ(OutcomeOf(1), "interrupted");
  EXPECT_EQ(CountAttemptFolders(RunId{1}), 0U);
  EXPECT_EQ(Resume().launched, (Names{"b", "c", "d"}));
  EXPECT_EQ(OutcomeOf(1), "succeeded");
}

TEST_F(Recovery, ACancelledRunIsTakenUpAgain) {
  AddChain();
  RecordingObserver observer;
  {
    RunSession session(*home_, maker_.pipeline, {}, clock_, observer);
    ImmediateRunner runner(session.events());
    runner.hangs = {"b"};
    runner.on_launch = [&] {
      if (runner.launched.size() == 2) session.Cancel(true);
    };
    ASSERT_EQ(session.Run(runner)->outcome, state::RunOutcome::kCancelled);
  }
  EXPECT_EQ(Resume().launched, (Names{"b", "c", "d"}));
}

TEST_F(Recovery, LostOutputsAreMadeAgainOnlyIfSomebodyReadsThem) {
  AddChain();
  RunAndDieAfter(4);
  const auto tasks = Tasks(RunId{1});
  for (const std::size_t lost : {1U, 2U}) {
    std::filesystem::remove(tasks[lost].result->outputs[0].files[0].path);
  }
  const Ran ran = Resume();
  EXPECT_EQ(ran.launched, (Names{"b", "c", "d"})) << "a is still there";
  EXPECT_EQ(ran.observer.Reason(TaskId(1), TaskState::kBlocked),
            "its outputs are no longer in the store");
}

TEST_F(Recovery, WhatCannotBeResumedSaysWhy) {
  AddChain();
  Run(maker_.pipeline, {}, [](ImmediateRunner& runner) {
    runner.failures["b"] = {runners::ExitFailure{Error::Task("boom"), 1}};
  });
  EXPECT_EQ(WhyNotResume(RunId{1})->message, "r1 has failed");
  EXPECT_EQ(WhyNotResume(RunId{1})->hint, "`dml retry r1` runs what failed again");
  Run(maker_.pipeline);
  EXPECT_EQ(WhyNotResume(RunId{2})->message, "r2 is done");
  EXPECT_EQ(WhyNotResume(RunId{9})->message, "there is no run r9");
  RunAndDieAfter(1, {.force = true});
  maker_.Add("extra");
  const auto changed = WhyNotResume(RunId{3});
  ASSERT_TRUE(changed.has_value());
  EXPECT_EQ(changed->kind, ErrorKind::kInvalid);
  EXPECT_NE(changed->message.find("no longer gives the tasks"), std::string::npos);
}

TEST_F(Recovery, ALiveRunIsNotTakenUpTwice) {
  AddChain();
  std::optional<Error> busy;
  Run(maker_.pipeline, {},
      [&](ImmediateRunner& runner) { runner.on_launch = [&] { busy = WhyNotResume(RunId{1}); }; });
  ASSERT_TRUE(busy.has_value());
  EXPECT_EQ(busy->kind, ErrorKind::kBusy);
  EXPECT_NE(busy->message.find("r1 is run by process"), std::string::npos) << busy->message;
}

TEST_F(Recovery, StoppingADeadRunCancelsIt) {
  AddChain();
  RunAndDieAfter(2);
  RecordingObserver observer;
  RunSession session(*home_, maker_.pipeline, {}, clock_, observer);
  const auto make_runner = [&]() -> Result<std::unique_ptr<runners::Runner>> {
    return std::unique_ptr<runners::Runner>(std::make_unique<ImmediateRunner>(session.events()));
  };
  ASSERT_TRUE(StopRun(*home_, {RunId{1}}, make_runner, clock_).ok());
  EXPECT_EQ(OutcomeOf(1), "cancelled");
  EXPECT_EQ(CountAttemptFolders(RunId{1}), 0U);
  const auto tasks = Tasks(RunId{1});
  EXPECT_EQ(tasks[0].state, TaskState::kSucceeded);
  EXPECT_EQ(tasks[1].state, TaskState::kCancelled);
  EXPECT_EQ(StopRun(*home_, {RunId{1}}, make_runner, clock_).error().message,
            "r1 has ended: it was cancelled");
  EXPECT_EQ(Resume().launched, (Names{"b", "c", "d"}));
}

TEST_F(Recovery, FilesOfDeadWritersLeaveTheStore) {
  const std::string dead = home_->TemporaryPath() + "/1-999999-7";
  const ProcessId self = ThisProcess();
  const std::string live = home_->TemporaryPath() + "/" + std::to_string(self.pid) + "-" +
                           std::to_string(self.start) + "-7";
  std::ofstream(dead) << "x";
  std::ofstream(live) << "x";
  SweepTemporaries(*home_);
  EXPECT_FALSE(std::filesystem::exists(dead));
  EXPECT_TRUE(std::filesystem::exists(live));
}

}  // namespace
}  // namespace dml::engine

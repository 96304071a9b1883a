// What the pipeline says about failures, time and resources, kept by whole runs.

#include "orchestrator/core/retry.h"
#include "tests/engine/session_fixture.h"

namespace dml::engine {
namespace {

using core::TaskState;

class Policies : public SessionTest {};

runners::ExitReason ExitsWith(int code) {
  return runners::ExitFailure{Error::Task("it ended with exit code " + std::to_string(code)), code};
}

TEST_F(Policies, ARetryWaitsForItsBackoffWhichDoubles) {
  PipelineMaker maker;
  const TaskId a = maker.Add("a");
  maker[a].retry = {.limit = 3,
                    .backoff = Duration::Millis(40),
                    .max_interval = Duration::Seconds(1),
                    .jitter = 0.0,
                    .on_exit_codes = {}};
  const Instant start = clock_.Now();
  const Ran ran = Run(maker.pipeline, {}, [](ImmediateRunner& runner) {
    runner.failures["a"] = {ExitsWith(1), ExitsWith(1)};
  });
  EXPECT_EQ(ran.launched, (Names{"a", "a", "a"}));
  EXPECT_GE((clock_.Now() - start).ns, Duration::Millis(40 + 80).ns);
  EXPECT_EQ(ran.observer.Reason(a, TaskState::kBackoff),
            "it ended with exit code 1; next attempt in 80ms");
}

TEST_F(Policies, OnlyTheListedExitCodesAreRetried) {
  PipelineMaker maker;
  const TaskId a = maker.Add("a");
  const TaskId b = maker.Add("b");
  for (const TaskId task : {a, b}) {
    maker[task].retry = {.limit = 2,
                         .backoff = Duration::Millis(1),
                         .max_interval = Duration::Millis(1),
                         .jitter = 0.0,
                         .on_exit_codes = {75}};
  }
  std::get<pipelines::NativeWork>(maker[b].work).params["x"] = 1;
  const Ran ran = Run(maker.pipeline, {.keep_going = true}, [](ImmediateRunner& runner) {
    runner.failures["a"] = {ExitsWith(75)};
    runner.failures["b"] = {ExitsWith(1)};
  });
  EXPECT_EQ(std::ranges::count(ran.launched, "a"), 2);
  EXPECT_EQ(std::ranges::count(ran.launched, "b"), 1);
  EXPECT_EQ(ran.result.count(TaskState::kFailed), 1U);
}

TEST_F(Policies, ALostWorkerDoesNotTouchTheUsersBudget) {
  PipelineMaker maker;
  maker.Add("a");  // limit 0
  const runners::ExitReason lost =
      runners::ExitFailure{Error::Environment("the node went away"), 3};
  const Ran ran = Run(maker.pipeline, {},
                      [&](ImmediateRunner& runner) { runner.failures["a"].assign(3, lost); });
  EXPECT_EQ(ran.launched.size(), 4U);
  EXPECT_EQ(ran.result.outcome, state::RunOutcome::kSucceeded);
  const Ran again = Run(maker.pipeline, {.force = true},
                        [&](ImmediateRunner& runner) { runner.failures["a"].assign(4, lost); });
  EXPECT_EQ(again.result.outcome, state::RunOutcome::kInterrupted) << "it can be resumed";
  EXPECT_EQ(again.result.count(TaskState::kFailed), 1U);
}

TEST_F(Policies, HowManyLostWorkersAreForgivenCanBeSaid) {
  const runners::ExitReason lost =
      runners::ExitFailure{Error::Environment("the node went away"), 3};
  for (const int limit : {0, 1, 5}) {
    PipelineMaker maker;
    const TaskId a = maker.Add("a", {}, {{"x", limit}});
    maker[a].retry.infrastructure_limit = limit;
    const auto lose = [&](int times) {
      return [&lost, times](ImmediateRunner& runner) {
        runner.failures["a"].assign(static_cast<std::size_t>(times), lost);
      };
    };
    EXPECT_EQ(Run(maker.pipeline, {}, lose(limit)).result.outcome, state::RunOutcome::kSucceeded);
    const Ran ran = Run(maker.pipeline, {.force = true}, lose(limit + 1));
    EXPECT_EQ(ran.launched.size(), static_cast<std::size_t>(limit) + 1);
    EXPECT_EQ(ran.result.outcome, state::RunOutcome::kInterrupted);
  }
}

TEST_F(Policies, KeepGoingRunsWhatDoesNotDependOnTheFailure) {
  PipelineMaker maker;
  const TaskId bad = maker.Add("bad", {}, {{"x", 1}});
  const TaskId after = maker.Add("after", {bad});
  const TaskId slow = maker.Add("slow", {}, {{"x", 2}});
  const TaskId last = maker.Add("last", {slow});
  const auto fail = [](ImmediateRunner& runner) { runner.failures["bad"] = {ExitsWith(1)}; };
  const Ran on = Run(maker.pipeline, {.jobs = 1, .keep_going = true}, fail);
  EXPECT_EQ(on.launched, (Names{"bad", "slow", "last"}));
  EXPECT_EQ(on.observer.Reason(after, TaskState::kSkipped), "bad failed");
  const Ran off = Run(maker.pipeline, {.jobs = 1, .force = true}, fail);
  EXPECT_EQ(off.launched, Names{"bad"});
  EXPECT_EQ(off.observer.Reason(last, TaskState::kSkipped), "slow skipped");
}

TEST_F(Policies, ATimeoutIsAFailureWithCode124) {
  PipelineMaker maker;
  const TaskId a = maker.Add("a");
  maker[a].timeout = Duration::Seconds(5);
  maker[a].retry = {.limit = 1,
                    .backoff = Duration::Millis(1),
                    .max_interval = Duration::Millis(1),
                    .jitter = 0.0,
                    .on_exit_codes = {124}};
  const Ran ran = Run(maker.pipeline, {}, [](ImmediateRunner& runner) {
    runner.failures["a"] = {runners::ExitTimeout{}, runners::ExitTimeout{}};
  });
  EXPECT_EQ(ran.specs.at(0).timeout, Duration::Seconds(5));
  EXPECT_EQ(ran.launched.size(), 2U) << "124 is on the list";
  EXPECT_EQ(ran.observer.Reason(a, TaskState::kFailed),
            "it ran for longer than its timeout of 5.0s");
}

// Attempts that hang until somebody asks who is running: then the run is cancelled.
TEST_F(Policies, RequestsOfProcessorsAndMemoryAreHonoured) {
  PipelineMaker maker;
  for (int i = 0; i < 4; ++i) {
    const TaskId task = maker.Add("t" + std::to_string(i), {}, {{"x", i}});
    maker[task].resources.cpus = 1;
    maker[task].resources.memory_bytes = std::int64_t{3} << 30;
    maker[task].outputs.clear();
  }
  std::size_t at_once = 0;
  RecordingObserver observer;
  RunSession session(*home_, maker.pipeline, {.jobs = 4}, clock_, observer);
  ImmediateRunner runner(session.events());
  runner.memory_bytes = std::int64_t{8} << 30;
  runner.hangs = {"t0", "t1", "t2", "t3"};
  runner.on_launch = [&] {
    at_once = runner.launched.size();
    session.Cancel(true);
  };
  ASSERT_TRUE(session.Run(runner).ok());
  EXPECT_EQ(at_once, 2U) << "two of 3 GiB fit into 8";
  EXPECT_EQ(runner.launched[0].memory_bytes, std::int64_t{3} << 30);
}

}  // namespace
}  // namespace dml::engine

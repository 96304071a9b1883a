#include "tests/core/scheduler_fixture.h"

namespace dml::core {
namespace {

TEST_F(SchedulerTest, RunsAChainInOrder) {
  Build(3, {{0, 1}, {1, 2}});
  EXPECT_EQ(Apply(Started{}), "launch 0#1 ");
  EXPECT_EQ(Succeed(0), "commit 0#1 launch 1#1 ");
  EXPECT_EQ(Succeed(1), "commit 1#1 launch 2#1 ");
  EXPECT_FALSE(scheduler_->Done());
  EXPECT_EQ(Succeed(2), "commit 2#1 ");
  EXPECT_TRUE(scheduler_->Done());
}

TEST_F(SchedulerTest, ConsumersWaitForTheCommit) {
  Build(2, {{0, 1}});
  Apply(Started{});
  EXPECT_EQ(Apply(AttemptSucceeded{TaskId(0), {1}}), "commit 0#1 ");
  EXPECT_EQ(State(1), "blocked");
  EXPECT_EQ(Apply(Committed{TaskId(0), {1}}), "launch 1#1 ");
}

TEST_F(SchedulerTest, HonoursCpusAndPrefersTheLongPath) {
  Build(5, {{3, 4}}, {.cpus = 2});
  EXPECT_EQ(Apply(Started{}), "launch 3#1 launch 0#1 ");
  EXPECT_EQ(Succeed(0), "commit 0#1 launch 1#1 ");
}

TEST_F(SchedulerTest, ALargeTaskRunsAloneRatherThanNever) {
  policies_ = IdMap<TaskId, TaskPolicy>(2);
  policies_[TaskId(0)].cpus = 64;
  Build(2, {}, {.cpus = 2});
  EXPECT_EQ(Apply(Started{}), "launch 0#1 ");
  EXPECT_EQ(Succeed(0), "commit 0#1 launch 1#1 ");
}

TEST_F(SchedulerTest, MemoryIsAResource) {
  policies_ = IdMap<TaskId, TaskPolicy>(2);
  policies_[TaskId(0)].memory_bytes = 600;
  policies_[TaskId(1)].memory_bytes = 600;
  Build(2, {}, {.cpus = 8, .memory_bytes = 1000});
  EXPECT_EQ(Apply(Started{}), "launch 0#1 ");
}

TEST_F(SchedulerTest, QueueableTasksGoAheadOfCapacity) {
  policies_ = IdMap<TaskId, TaskPolicy>(6);
  for (std::size_t i = 0; i < 5; ++i) policies_[TaskId(i)].queueable = true;
  Build(6, {}, {.cpus = 1, .prefetch = 2});
  EXPECT_EQ(Apply(Started{}), "launch 0#1 launch 1#1 launch 2#1 ");
}

TEST_F(SchedulerTest, RetriesWithBackoffThenFails) {
  policies_ = IdMap<TaskId, TaskPolicy>(1);
  policies_[TaskId(0)].retry.limit = 1;
  policies_[TaskId(0)].retry.jitter = 0;
  Build(1, {});
  Apply(Started{});
  EXPECT_EQ(FailAttempt(0), "");
  EXPECT_EQ(State(0), "backoff");
  EXPECT_EQ(scheduler_->NextWakeup(), Instant{} + Duration::Seconds(1));
  now_ = now_ + Duration::Seconds(1);
  EXPECT_EQ(Apply(TimePassed{}), "launch 0#2 ");
  EXPECT_EQ(FailAttempt(0, 2), "");
  EXPECT_EQ(State(0), "failed");
  EXPECT_TRUE(scheduler_->Done());
}

// Whoever reads it sees what was spent, by what name it goes, and how to go on.
TEST_F(SchedulerTest, ABudgetForLostAttemptsThatIsSpentIsSaid) {
  const auto last_words = [&](int limit) {
    policies_ = IdMap<TaskId, TaskPolicy>(1);
    policies_[TaskId(0)].retry.infrastructure_limit = limit;
    Build(1, {});
    Apply(Started{});
    std::vector<Command> commands;
    for (int attempt = 1; attempt <= 1 + limit; ++attempt) {
      commands.clear();
      const AttemptNumber number{static_cast<std::uint32_t>(attempt)};
      const AttemptFailed lost{TaskId(0), number, FailureKind::kInfrastructure, 1,
                               Error::Environment("n2 went away")};
      scheduler_->Apply(std::vector<Event>{lost}, now_, commands);
      now_ = now_ + Duration::Seconds(3600);
      Apply(TimePassed{});
    }
    return std::get<Change>(commands.at(0)).reason;
  };
  EXPECT_EQ(last_words(0),
            "n2 went away; 1 attempt was lost, and retry.infrastructure_limit is 0: `dml resume` "
            "tries as often again");
  EXPECT_EQ(last_words(2),
            "n2 went away; 3 attempts were lost, and retry.infrastructure_limit is 2: `dml "
            "resume` tries as often again");
}

TEST_F(SchedulerTest, AnOldAttemptIsFencedOff) {
  Build(1, {});
  Apply(Started{});
  FailAttempt(0, 1, FailureKind::kInfrastructure);
  now_ = now_ + Duration::Seconds(10);
  EXPECT_EQ(Apply(TimePassed{}), "launch 0#2 ");
  EXPECT_EQ(Apply(AttemptSucceeded{TaskId(0), {1}}), "");
  EXPECT_EQ(State(0), "launching");
  EXPECT_EQ(Succeed(0, 2), "commit 0#2 ");
}

TEST_F(SchedulerTest, AFailureSkipsWhatDependsOnItAndStopsTheRest) {
  Build(4, {{0, 1}, {1, 2}});
  Apply(Started{});
  FailAttempt(0);
  EXPECT_EQ(State(1), "skipped");
  EXPECT_EQ(State(2), "skipped");
  EXPECT_EQ(State(3), "skipped");
  EXPECT_TRUE(scheduler_->Done());
}

TEST_F(SchedulerTest, AFailingRunStartsNoFurtherAttempt) {
  policies_ = IdMap<TaskId, TaskPolicy>(2);
  policies_[TaskId(1)].retry.limit = 3;
  Build(2, {}, {.cpus = 2});
  EXPECT_EQ(Apply(Started{}), "launch 0#1 launch 1#1 ");
  FailAttempt(0);
  FailAttempt(1);
  EXPECT_EQ(State(1), "failed");
  EXPECT_TRUE(scheduler_->Done());
}

TEST_F(SchedulerTest, KeepGoingRunsWhatItCan) {
  Build(4, {{0, 1}, {1, 2}}, {.keep_going = true});
  Apply(Started{});
  EXPECT_EQ(FailAttempt(0), "launch 3#1 ");
  EXPECT_EQ(State(2), "skipped");
}

TEST_F(SchedulerTest, ATaskMayWantToRunAfterFailures) {
  policies_ = IdMap<TaskId, TaskPolicy>(2);
  policies_[TaskId(1)].heeds_failures = false;
  Build(2, {{0, 1}}, {.keep_going = true});
  Apply(Started{});
  EXPECT_EQ(FailAttempt(0), "launch 1#1 ");
}

// 0 -> 1 cleans up; 2 and 3 are ordinary; 4 cleans up and waits for a processor when 0 fails.
TEST_F(SchedulerTest, WhatCleansUpStartsInARunThatFails) {
  policies_ = IdMap<TaskId, TaskPolicy>(5);
  for (const std::size_t task : {1U, 4U}) {
    policies_[TaskId(task)].heeds_failures = false;
    policies_[TaskId(task)].cleans_up = true;
    policies_[TaskId(task)].retry = {.limit = 1,
                                     .backoff = Duration::Seconds(1),
                                     .max_interval = Duration::Seconds(1),
                                     .jitter = 0.0,
                                     .on_exit_codes = {}};
  }
  Build(5, {{0, 1}, {0, 2}});
  Apply(Started{});
  EXPECT_EQ(FailAttempt(0), "launch 4#1 ");
  EXPECT_EQ(State(2), "skipped");
  EXPECT_EQ(State(3), "skipped");
  EXPECT_EQ(Succeed(4), "commit 4#1 launch 1#1 ");
  FailAttempt(1);
  EXPECT_EQ(State(1), "backoff") << "it is repeated as always";
  now_ = now_ + Duration::Seconds(2);
  EXPECT_EQ(Apply(TimePassed{}), "launch 1#2 ");
  Succeed(1, 2);
  EXPECT_TRUE(scheduler_->Done());
}

TEST_F(SchedulerTest, CancelKillsWhatRunsAndEndsTheRest) {
  Build(3, {{0, 1}});
  Apply(Started{});
  EXPECT_EQ(Apply(CancelRequested{}), "kill 0#1 ");
  EXPECT_EQ(State(2), "cancelled");
  EXPECT_EQ(Apply(CancelRequested{true}), "KILL 0#1 ");
  Apply(AttemptStopped{TaskId(0), {1}});
  EXPECT_EQ(State(0), "cancelled");
  EXPECT_EQ(State(1), "cancelled");
  EXPECT_TRUE(scheduler_->Done());
}

TEST_F(SchedulerTest, ReuseAndSkipNeedNoCapacity) {
  Build(3, {{0, 1}, {1, 2}});
  std::vector<Command> commands;
  scheduler_->Apply(Started{}, now_, commands);
  commands.clear();
  scheduler_->Apply(ResolvedReuse{TaskId(0), "unchanged"}, now_, commands);
  scheduler_->Apply(ResolvedSkip{TaskId(1), "its condition is false"}, now_, commands);
  EXPECT_EQ(State(0), "reused");
  EXPECT_EQ(State(1), "skipped");
  EXPECT_EQ(State(2), "skipped");
  EXPECT_TRUE(scheduler_->Done());
}

TEST_F(SchedulerTest, ASkippedChainAsLongAsTheGraphDoesNotRecurse) {
  std::vector<std::pair<std::size_t, std::size_t>> arrows;
  constexpr std::size_t kTasks = 200'000;
  for (std::size_t i = 1; i < kTasks; ++i) arrows.emplace_back(i - 1, i);
  Build(kTasks, arrows);
  std::vector<Command> commands;
  scheduler_->Apply(Started{}, now_, commands);
  scheduler_->Apply(ResolvedSkip{TaskId(0), ""}, now_, commands);
  EXPECT_TRUE(scheduler_->Done());
}

}  // namespace
}  // namespace dml::core

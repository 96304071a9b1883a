// A scheduler that goes on where another process stopped.

#include "tests/core/scheduler_fixture.h"

namespace dml::core {
namespace {

class Restore : public SchedulerTest {
 protected:
  void Put(std::size_t task, TaskState state, std::uint32_t attempt = 0, AttemptCounts counts = {},
           FailureKind last = FailureKind::kNone) {
    scheduler_->Restore(TaskId(task), {state, {attempt}, counts, last});
  }
};

TEST_F(Restore, WhatIsDoneStandsAndTheRestGoesOn) {
  Build(4, {{0, 1}, {1, 2}, {2, 3}});
  Put(0, TaskState::kSucceeded, 1);
  Put(1, TaskState::kReused);
  EXPECT_EQ(Apply(Resumed{}), "launch 2#1 ");
  Succeed(2);
  Succeed(3);
  EXPECT_TRUE(scheduler_->Done());
}

TEST_F(Restore, AnAttemptOfWhichNothingIsLeftIsFollowedByTheNextAndCostsNoBudget) {
  Build(2, {}, {.cpus = 2});
  Put(0, TaskState::kRunning, 3, {.infrastructure_failures = kInfrastructureRetriesMax});
  Put(1, TaskState::kLaunching, 1);
  EXPECT_EQ(Apply({AttemptVanished{TaskId(0), {3}}, AttemptVanished{TaskId(1), {1}}, Resumed{}}),
            "launch 0#4 launch 1#2 ");
  EXPECT_EQ(Apply(AttemptSucceeded{TaskId(0), {3}}), "") << "the old attempt is fenced off";
  EXPECT_EQ(Apply(AttemptSucceeded{TaskId(0), {4}}), "commit 0#4 ");
}

TEST_F(Restore, AnAttemptThatStillRunsIsKept) {
  Build(2, {}, {.cpus = 1});
  Put(0, TaskState::kRunning, 1);
  EXPECT_EQ(Apply(Resumed{}), "") << "it holds the only processor";
  EXPECT_EQ(Succeed(0), "commit 0#1 launch 1#1 ");
}

TEST_F(Restore, AnOpenCommitIsDoneAgainAndAVanishedOneIsRunAgain) {
  Build(2, {}, {.cpus = 2});
  Put(0, TaskState::kCommitting, 2);
  Put(1, TaskState::kCommitting, 1);
  const std::string text = Apply({AttemptVanished{TaskId(1), {1}}, Resumed{}});
  EXPECT_EQ(text, "commit 0#2 launch 1#2 ");
  Apply(Committed{TaskId(0), {2}});
  EXPECT_EQ(State(0), "succeeded");
}

TEST_F(Restore, CancelledTasksAreTakenUpAgain) {
  Build(3, {{0, 1}, {1, 2}});
  Put(0, TaskState::kCancelled, 1);
  Put(1, TaskState::kCancelled);
  Put(2, TaskState::kCancelled);
  EXPECT_EQ(Apply(Resumed{}), "launch 0#2 ");
  EXPECT_EQ(Succeed(0, 2), "commit 0#2 launch 1#1 ");
}

TEST_F(Restore, BudgetsUsedStayUsed) {
  policies_ = IdMap<TaskId, TaskPolicy>(1);
  policies_[TaskId(0)].retry.limit = 1;
  Build(1, {});
  Put(0, TaskState::kBackoff, 1, {.task_failures = 1}, FailureKind::kTask);
  EXPECT_EQ(Apply(Resumed{}), "launch 0#2 ");
  Apply(AttemptFailed{TaskId(0), {2}, FailureKind::kTask, 1, Error::Task("boom")});
  EXPECT_EQ(State(0), "failed");
}

TEST_F(Restore, ARunThatWasFailingStartsNothingNew) {
  Build(3, {});
  Put(0, TaskState::kFailed, 1, {.task_failures = 1}, FailureKind::kInvalid);
  Put(1, TaskState::kRunning, 1);
  EXPECT_EQ(Apply({AttemptVanished{TaskId(1), {1}}, Resumed{}}), "");
  EXPECT_EQ(State(1), "skipped");
  EXPECT_EQ(State(2), "skipped");
  EXPECT_EQ(scheduler_->invalid(), 1U);
}

// A far node tells how an attempt ended meanwhile.
TEST_F(Restore, AnAttemptThatHadFailedIsTriedAgainInItsTime) {
  policies_ = IdMap<TaskId, TaskPolicy>(1);
  policies_[TaskId(0)].retry = {3, Duration::Seconds(5), Duration::Seconds(5), 0.0, {}};
  Build(1, {});
  Put(0, TaskState::kRunning, 1);
  EXPECT_EQ(
      Apply({AttemptFailed{TaskId(0), {1}, FailureKind::kTask, 1, Error::Task("boom")}, Resumed{}}),
      "");
  EXPECT_EQ(State(0), "backoff");
  now_ = Instant{Duration::Seconds(5).ns};
  EXPECT_EQ(Apply(TimePassed{}), "launch 0#2 ");
}

// 0 -> 1 -> 2: the outputs of 0 and 1 are gone. 2 needs those of 1, which needs those of 0.
TEST_F(Restore, LostOutputsAreMadeAgain) {
  Build(4, {{0, 1}, {1, 2}, {0, 3}});
  Put(0, TaskState::kSucceeded, 1);
  Put(1, TaskState::kSucceeded, 1);
  Put(3, TaskState::kSucceeded, 1);
  EXPECT_EQ(Apply({OutputsLost{TaskId(1)}, OutputsLost{TaskId(0)}, Resumed{}}), "launch 0#2 ");
  EXPECT_EQ(Succeed(0, 2), "commit 0#2 launch 1#2 ") << "3 is done and stays so";
  Succeed(1, 2);
  Succeed(2);
  EXPECT_TRUE(scheduler_->Done());
}

// 0 -> 1 -> {2, 3, 4} on one processor: while 2 runs, both outputs go.
TEST_F(Restore, OutputsLostInTheMiddleAreMadeAgainBeforeAnybodyElseReadsThem) {
  policies_ = IdMap<TaskId, TaskPolicy>(5);
  policies_[TaskId(2)].retry = {0, Duration::Seconds(1), Duration::Seconds(1), 0.0, {}};
  Build(5, {{0, 1}, {1, 2}, {1, 3}, {1, 4}});
  Apply(Started{});
  Succeed(0);
  EXPECT_EQ(Succeed(1), "commit 1#1 launch 2#1 ");
  const Error gone = Error::Environment("cannot read");
  EXPECT_EQ(Apply({OutputsLost{TaskId(0)}, OutputsLost{TaskId(1)},
                   AttemptFailed{TaskId(2), {1}, FailureKind::kInfrastructure, 1, gone}}),
            "launch 0#2 ");
  EXPECT_EQ(State(3), "blocked") << "it had waited for a processor only";
  now_ = now_ + Duration::Seconds(60);
  EXPECT_EQ(Apply(TimePassed{}), "");
  EXPECT_EQ(State(2), "blocked") << "its alarm rang too early";
  EXPECT_EQ(Succeed(0, 2), "commit 0#2 launch 1#2 ");
  EXPECT_EQ(Succeed(1, 2), "commit 1#2 launch 2#2 ");
  EXPECT_EQ(Succeed(2, 2), "commit 2#2 launch 3#1 ");
  Succeed(3);
  Succeed(4);
  EXPECT_TRUE(scheduler_->Done());
}

// 0 -> 1: what 1 was to read is gone, and cannot be made again.
TEST_F(Restore, ARetryWhoseInputCannotBeMadeAgainIsSkipped) {
  policies_ = IdMap<TaskId, TaskPolicy>(2);
  policies_[TaskId(1)].retry = {3, Duration::Seconds(1), Duration::Seconds(1), 0.0, {}};
  Build(2, {{0, 1}}, {.keep_going = true});
  Apply(Started{});
  Succeed(0);
  const Error gone = Error::Environment("cannot read");
  Apply({OutputsLost{TaskId(0)},
         AttemptFailed{TaskId(1), {1}, FailureKind::kInfrastructure, 1, gone}});
  Apply(AttemptFailed{TaskId(0), {2}, FailureKind::kInvalid, 2, Error::Invalid("bad")});
  now_ = now_ + Duration::Seconds(60);
  EXPECT_EQ(Apply(TimePassed{}), "");
  EXPECT_EQ(State(1), "skipped");
  EXPECT_TRUE(scheduler_->Done());
}

TEST_F(Restore, NothingIsMadeAgainInARunThatFails) {
  Build(2, {{0, 1}});
  Apply(Started{});
  Succeed(0);
  Apply(AttemptFailed{TaskId(1), {1}, FailureKind::kInvalid, 2, Error::Invalid("bad")});
  EXPECT_EQ(Apply(OutputsLost{TaskId(0)}), "");
  EXPECT_EQ(State(0), "succeeded");
}

TEST_F(Restore, MemoryThatHadGrownStaysGrown) {
  policies_ = IdMap<TaskId, TaskPolicy>(2);
  for (std::size_t i = 0; i < 2; ++i) {
    policies_[TaskId(i)].memory_bytes = 100;
    policies_[TaskId(i)].retry.limit = 5;
  }
  Build(2, {}, {.cpus = 2, .memory_bytes = 250});
  Put(0, TaskState::kBackoff, 1, {.task_failures = 1, .out_of_memory = 1},
      FailureKind::kOutOfMemory);
  EXPECT_EQ(Apply(Resumed{}), "launch 0#2 ") << "200 + 100 do not fit into 250";
  EXPECT_EQ(Succeed(0, 2), "commit 0#2 launch 1#1 ");
}

}  // namespace
}  // namespace dml::core

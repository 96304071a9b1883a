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
  Put(0, TaskState::kRunning, 3, {.infrastructure_failures = 3});
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

// A node was lost, and before the run has ended, another task fails that could be tried again.
TEST_F(Restore, WhatFailsWhileARunEndsForWantOfANodeKeepsItsBudget) {
  policies_ = IdMap<TaskId, TaskPolicy>(2);
  policies_[TaskId(0)].retry.infrastructure_limit = 0;
  policies_[TaskId(1)].retry.limit = 1;
  Build(2, {}, {.cpus = 2});
  Apply(Started{});
  FailAttempt(0, 1, FailureKind::kInfrastructure);
  FailAttempt(1);
  EXPECT_EQ(State(0), "failed");
  EXPECT_EQ(State(1), "cancelled");
  EXPECT_TRUE(scheduler_->Done() && scheduler_->resumable());

  Build(2, {}, {.cpus = 2});
  Put(0, TaskState::kFailed, 1, {.infrastructure_failures = 1}, FailureKind::kInfrastructure);
  Put(1, TaskState::kCancelled, 1, {.task_failures = 1}, FailureKind::kTask);
  EXPECT_EQ(Apply(Resumed{}), "launch 0#2 launch 1#2 ");
  FailAttempt(1, 2);
  EXPECT_EQ(State(1), "failed") << "what was used of it stays used";
}

// 0 -> 1, and 2 by itself: a disk that was full has room again.
TEST_F(Restore, ARunThatEndedForWantOfADiskGoesOn) {
  Build(3, {{0, 1}}, {.cpus = 1});
  Apply(Started{});
  for (std::uint32_t attempt = 1; attempt <= 4; ++attempt) {
    FailAttempt(0, attempt, FailureKind::kInfrastructure);
    now_ = now_ + Duration::Seconds(3600);
    Apply(TimePassed{});
    if (attempt == 1) Succeed(2);
  }
  EXPECT_EQ(State(0), "failed");
  EXPECT_EQ(State(1), "cancelled");
  EXPECT_TRUE(scheduler_->Done() && scheduler_->resumable());

  Build(3, {{0, 1}});
  Put(0, TaskState::kFailed, 4, {.infrastructure_failures = 4}, FailureKind::kInfrastructure);
  Put(1, TaskState::kCancelled);
  Put(2, TaskState::kSucceeded, 1);
  EXPECT_EQ(Apply(Resumed{}), "launch 0#5 ");
  EXPECT_EQ(scheduler_->environment(), 0U);
  FailAttempt(0, 5, FailureKind::kInfrastructure);
  EXPECT_EQ(State(0), "backoff") << "with a budget of its own";
  now_ = now_ + Duration::Seconds(3600);
  EXPECT_EQ(Apply(TimePassed{}), "launch 0#6 ");
  EXPECT_EQ(Succeed(0, 6), "commit 0#6 launch 1#1 ");
  Succeed(1);
  EXPECT_TRUE(scheduler_->Done());
  EXPECT_FALSE(scheduler_->resumable());
}

// What the tasks themselves did wrong stays so.
TEST_F(Restore, OneThatFailedByItselfDoesNot) {
  policies_ = IdMap<TaskId, TaskPolicy>(3);
  for (std::size_t i = 0; i < 3; ++i) policies_[TaskId(i)].retry.limit = 0;
  Build(3, {{0, 2}}, {.cpus = 2, .keep_going = true});
  Apply(Started{});
  FailAttempt(0);
  EXPECT_EQ(State(2), "skipped");
  EXPECT_FALSE(scheduler_->resumable());
  for (std::uint32_t attempt = 1; attempt <= 4; ++attempt) {
    FailAttempt(1, attempt, FailureKind::kInfrastructure);
    now_ = now_ + Duration::Seconds(3600);
    Apply(TimePassed{});
  }
  EXPECT_TRUE(scheduler_->Done() && scheduler_->resumable()) << "for the sake of the other";

  Build(3, {{0, 2}}, {.cpus = 2, .keep_going = true});
  Put(0, TaskState::kFailed, 1, {.task_failures = 1}, FailureKind::kTask);
  Put(1, TaskState::kFailed, 4, {.infrastructure_failures = 4}, FailureKind::kInfrastructure);
  Put(2, TaskState::kSkipped);
  EXPECT_EQ(Apply(Resumed{}), "launch 1#5 ");
  Succeed(1, 5);
  EXPECT_TRUE(scheduler_->Done());
  EXPECT_FALSE(scheduler_->resumable());
}

// 0 -> 1, which runs whatever becomes of 0, and was left out by its condition when 0 failed.
// Its input was lost while it failed, and could not be made again: both are taken up.
TEST_F(Restore, AFailureThatIsTakenUpWithItsInputKeepsNobodyFromStarting) {
  Build(3, {{0, 1}}, {.cpus = 2});
  Put(0, TaskState::kFailed, 4, {.infrastructure_failures = 4}, FailureKind::kInfrastructure);
  Put(1, TaskState::kFailed, 1, {.task_failures = 1}, FailureKind::kTask);
  Put(2, TaskState::kCancelled);
  EXPECT_EQ(Apply(Resumed{}), "launch 0#5 launch 2#1 ");
  EXPECT_EQ(Succeed(0, 5), "commit 0#5 launch 1#2 ");
}

TEST_F(Restore, WhatWasDecidedByAFailureIsDecidedAnew) {
  policies_ = IdMap<TaskId, TaskPolicy>(2);
  policies_[TaskId(1)].heeds_failures = false;
  Build(2, {{0, 1}});
  Put(0, TaskState::kFailed, 4, {.infrastructure_failures = 4}, FailureKind::kInfrastructure);
  Put(1, TaskState::kSkipped);
  EXPECT_EQ(Apply(Resumed{}), "launch 0#5 ");
  EXPECT_EQ(State(1), "blocked");
  EXPECT_EQ(Succeed(0, 5), "commit 0#5 launch 1#1 ");
}

// A far node tells how an attempt ended meanwhile.
TEST_F(Restore, AnAttemptThatHadFailedIsTriedAgainInItsTime) {
  policies_ = IdMap<TaskId, TaskPolicy>(1);
  policies_[TaskId(0)].retry = {.limit = 3,
                                .backoff = Duration::Seconds(5),
                                .max_interval = Duration::Seconds(5),
                                .jitter = 0.0,
                                .on_exit_codes = {}};
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
  EXPECT_EQ(Succeed(0, 2), "commit 0#2 recheck 3 launch 1#2 ") << "3 is done and stays so";
  Succeed(1, 2);
  Succeed(2);
  EXPECT_TRUE(scheduler_->Done());
}

// 0 -> 1 -> {2, 3, 4} on one processor: while 2 runs, both outputs go.
TEST_F(Restore, OutputsLostInTheMiddleAreMadeAgainBeforeAnybodyElseReadsThem) {
  policies_ = IdMap<TaskId, TaskPolicy>(5);
  policies_[TaskId(2)].retry = {.limit = 0,
                                .backoff = Duration::Seconds(1),
                                .max_interval = Duration::Seconds(1),
                                .jitter = 0.0,
                                .on_exit_codes = {}};
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

// 0 -> {1, 2}, 1 -> 3: when 0 is made again, 1 and 3 are done and 2 is under way.
TEST_F(Restore, WhoeverHasReadAnotherContentIsAskedAboutAndDoneAgain) {
  Build(4, {{0, 1}, {0, 2}, {1, 3}}, {.cpus = 2});
  Apply(Started{});
  EXPECT_EQ(Succeed(0), "commit 0#1 launch 1#1 launch 2#1 ");
  EXPECT_EQ(Succeed(1), "commit 1#1 launch 3#1 ");
  Succeed(3);
  EXPECT_EQ(Apply(OutputsLost{TaskId(0)}), "launch 0#2 ");
  EXPECT_EQ(Succeed(0, 2), "commit 0#2 recheck 1 recheck 2 ");
  EXPECT_EQ(State(1), "succeeded") << "nobody has said that it is outdated";
  EXPECT_EQ(Apply(Outdated{TaskId(1), {1}}), "launch 1#2 ");
  EXPECT_EQ(Apply(Outdated{TaskId(2), {1}}), "launch 2#2 ") << "nobody's budget pays";
  EXPECT_EQ(Apply(Outdated{TaskId(2), {1}}), "") << "that attempt is over";
  EXPECT_EQ(Succeed(1, 2), "commit 1#2 recheck 3 ");
  Succeed(2, 2);
  EXPECT_TRUE(scheduler_->Done());
}

// What was being stored when its producer was made again.
TEST_F(Restore, AnOutdatedCommitIsDroppedAndAnOutdatedTaskOfACancelledRunStays) {
  Build(2, {{0, 1}});
  Put(0, TaskState::kSucceeded, 2);
  Put(1, TaskState::kCommitting, 1);
  EXPECT_EQ(Apply({Outdated{TaskId(1), {1}}, Resumed{}}), "launch 1#2 ");
  Succeed(1, 2);
  Apply(CancelRequested{});
  EXPECT_EQ(Apply(Outdated{TaskId(1), {2}}), "");
  EXPECT_EQ(State(1), "succeeded");
}

TEST_F(Restore, ARetryThatWaitsForItsInputsDoesNotWaitForItsAlarm) {
  policies_ = IdMap<TaskId, TaskPolicy>(2);
  policies_[TaskId(1)].retry = {.limit = 0,
                                .backoff = Duration::Seconds(3600),
                                .max_interval = Duration::Seconds(3600),
                                .jitter = 0.0,
                                .on_exit_codes = {}};
  Build(2, {{0, 1}});
  Apply(Started{});
  Succeed(0);
  const Error gone = Error::Environment("cannot read");
  Apply({OutputsLost{TaskId(0)},
         AttemptFailed{TaskId(1), {1}, FailureKind::kInfrastructure, 1, gone}});
  EXPECT_EQ(Succeed(0, 2), "commit 0#2 launch 1#2 ");
}

// 0 -> 1: what 1 was to read is gone, and cannot be made again.
TEST_F(Restore, ARetryWhoseInputCannotBeMadeAgainIsSkipped) {
  policies_ = IdMap<TaskId, TaskPolicy>(2);
  policies_[TaskId(1)].retry = {.limit = 3,
                                .backoff = Duration::Seconds(1),
                                .max_interval = Duration::Seconds(1),
                                .jitter = 0.0,
                                .on_exit_codes = {}};
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

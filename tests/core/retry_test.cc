#include "orchestrator/core/retry.h"

#include <gtest/gtest.h>

namespace dml::core {
namespace {

pipelines::RetryPolicy Policy(int limit) {
  pipelines::RetryPolicy policy;
  policy.limit = limit;
  policy.backoff = Duration::Seconds(1);
  policy.max_interval = Duration::Seconds(10);
  policy.jitter = 0;
  return policy;
}

TEST(MayRetry, KeepsTwoBudgets) {
  EXPECT_FALSE(MayRetry(Policy(0), FailureKind::kTask, 1, {1, 0}));
  EXPECT_TRUE(MayRetry(Policy(2), FailureKind::kTask, 1, {2, 0}));
  EXPECT_FALSE(MayRetry(Policy(2), FailureKind::kTask, 1, {3, 0}));
  EXPECT_TRUE(MayRetry(Policy(0), FailureKind::kInfrastructure, 1, {0, 3}));
  EXPECT_FALSE(MayRetry(Policy(9), FailureKind::kInfrastructure, 1, {0, 4}));
  EXPECT_FALSE(MayRetry(Policy(9), FailureKind::kInvalid, 2, {1, 0}));
}

TEST(MayRetry, BothBudgetsAreThePolicys) {
  pipelines::RetryPolicy policy = Policy(9);
  policy.infrastructure_limit = 0;
  EXPECT_FALSE(MayRetry(policy, FailureKind::kInfrastructure, 1, {0, 1}));
  policy.infrastructure_limit = 7;
  EXPECT_TRUE(MayRetry(policy, FailureKind::kInfrastructure, 1, {0, 7}));
  EXPECT_FALSE(MayRetry(policy, FailureKind::kInfrastructure, 1, {0, 8}));
}

TEST(MayRetry, HonoursExitCodes) {
  pipelines::RetryPolicy policy = Policy(3);
  policy.on_exit_codes = {75, 137};
  EXPECT_TRUE(MayRetry(policy, FailureKind::kTask, 75, {1, 0}));
  EXPECT_FALSE(MayRetry(policy, FailureKind::kTask, 1, {1, 0}));
}

TEST(GrownMemory, GrowsWithEveryFailureUpToTheNode) {
  EXPECT_EQ(GrownMemory(1000, 2.0, 0, 0), 1000);
  EXPECT_EQ(GrownMemory(1000, 2.0, 2, 0), 4000);
  EXPECT_EQ(GrownMemory(1000, 1.5, 1, 0), 1500);
  EXPECT_EQ(GrownMemory(1000, 2.0, 9, 3500), 3500);
  EXPECT_EQ(GrownMemory(5000, 2.0, 1, 3500), 5000) << "never less than was asked for";
  EXPECT_EQ(GrownMemory(0, 2.0, 3, 3500), 0) << "nothing was reserved";
}

TEST(AttemptCounts, OutOfMemoryIsAFailureOfTheTask) {
  AttemptCounts counts;
  counts.Add(FailureKind::kOutOfMemory);
  counts.Add(FailureKind::kInfrastructure);
  EXPECT_EQ(counts.task_failures, 1);
  EXPECT_EQ(counts.out_of_memory, 1);
  EXPECT_EQ(counts.infrastructure_failures, 1);
}

TEST(RetryDelay, DoublesUpToTheCap) {
  EXPECT_EQ(RetryDelay(Policy(9), 1, 0, TaskId(0)), Duration::Seconds(1));
  EXPECT_EQ(RetryDelay(Policy(9), 3, 0, TaskId(0)), Duration::Seconds(4));
  EXPECT_EQ(RetryDelay(Policy(9), 60, 0, TaskId(0)), Duration::Seconds(10));
}

TEST(RetryDelay, NoPauseStaysNoneHoweverOftenItIsDoubled) {
  pipelines::RetryPolicy policy = Policy(9);
  policy.backoff = Duration{0};
  EXPECT_EQ(RetryDelay(policy, 5000, 0, TaskId(0)), Duration{0});
}

TEST(RetryDelay, JitterIsBoundedAndSeeded) {
  pipelines::RetryPolicy policy = Policy(9);
  policy.jitter = 0.5;
  bool differs = false;
  for (std::size_t task = 0; task < 100; ++task) {
    const Duration delay = RetryDelay(policy, 1, 7, TaskId(task));
    EXPECT_EQ(delay, RetryDelay(policy, 1, 7, TaskId(task)));
    EXPECT_GE(delay, Duration::Millis(500));
    EXPECT_LE(delay, Duration::Millis(1500));
    differs |= delay != RetryDelay(policy, 1, 7, TaskId(0));
  }
  EXPECT_TRUE(differs);
}

}  // namespace
}  // namespace dml::core

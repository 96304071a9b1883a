// Goal: processors are never promised twice, and no task waits for ever for its own.

#include "tests/core/scheduler_fixture.h"

namespace dml::core {
namespace {

class SchedulerCapacityTest : public SchedulerTest {
 protected:
  // Narrow queueable tasks around a wide one, which is task 1.
  void BuildAround(std::size_t tasks, SchedulerOptions options) {
    policies_ = IdMap<TaskId, TaskPolicy>(tasks);
    for (std::size_t i = 0; i < tasks; ++i) policies_[TaskId(i)].queueable = i != 1;
    policies_[TaskId(1)].cpus = 2;
    options.cpus = 2;
    Build(tasks, {}, options);
  }
};

TEST_F(SchedulerCapacityTest, NothingQueuesUpAheadOfATaskThatWaitsForProcessors) {
  BuildAround(6, {.prefetch = 3});
  EXPECT_EQ(Apply(Started{}), "launch 0#1 launch 2#1 ");
}

TEST_F(SchedulerCapacityTest, AWideTaskIsNotOvertakenForEver) {
  constexpr std::size_t kTasks = 100;
  BuildAround(kTasks, {});
  std::string launched = Apply(Started{});
  std::size_t narrow = 1;
  for (std::size_t next = 0; launched.find("launch 1#1") == std::string::npos; ++next) {
    ASSERT_LT(next, kTasks) << "the wide task never came";
    if (next == 1) continue;
    ++narrow;
    launched += Succeed(next);
  }
  EXPECT_GT(narrow, 4U);
  EXPECT_LT(narrow, 24U);
}

TEST_F(SchedulerCapacityTest, FractionsAddUp) {
  policies_ = IdMap<TaskId, TaskPolicy>(6);
  for (std::size_t i = 0; i < 6; ++i) policies_[TaskId(i)].cpus = 0.5;
  Build(6, {}, {.cpus = 2});
  EXPECT_EQ(Apply(Started{}), "launch 0#1 launch 1#1 launch 2#1 launch 3#1 ");
}

TEST_F(SchedulerCapacityTest, MemoryIsCountedToo) {
  policies_ = IdMap<TaskId, TaskPolicy>(3);
  for (std::size_t i = 0; i < 3; ++i) policies_[TaskId(i)].memory_bytes = 600;
  Build(3, {}, {.cpus = 8, .memory_bytes = 1000});
  EXPECT_EQ(Apply(Started{}), "launch 0#1 ");
  EXPECT_EQ(Succeed(0), "commit 0#1 launch 1#1 ");
}

}  // namespace
}  // namespace dml::core

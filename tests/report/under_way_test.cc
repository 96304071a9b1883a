#include <gtest/gtest.h>

#include "orchestrator/report/collect.h"

// How long an attempt has taken that has not ended.

namespace dml::report {
namespace {

RunFacts RunWithAnOpenAttempt(const std::string& state) {
  RunFacts run;
  run.state = state;
  run.tasks.resize(1);
  run.tasks[0].attempts = {{1, {1'000'000}, {3'000'000}, "failed"},
                           {2, {10'000'000}, {}, "running"}};
  return run;
}

TEST(UnderWay, CountsUntilNow) {
  RunFacts run = RunWithAnOpenAttempt("running");
  EXPECT_EQ(run.tasks[0].Seconds(), 2);
  CountUntil({16'000'000}, run);
  EXPECT_EQ(run.tasks[0].Seconds(), 8);
}

TEST(UnderWay, IsNothingIfTheClockWasSetBack) {
  RunFacts run = RunWithAnOpenAttempt("running");
  CountUntil({9'000'000}, run);
  EXPECT_EQ(run.tasks[0].Seconds(), 2);
}

// Nobody knows when it ended.
TEST(UnderWay, IsNotCountedWhereNobodyIsAtIt) {
  RunFacts run = RunWithAnOpenAttempt("interrupted");
  CountUntil({16'000'000}, run);
  EXPECT_EQ(run.tasks[0].Seconds(), 2);
}

}  // namespace
}  // namespace dml::report

#include "orchestrator/report/waiting.h"

#include <gtest/gtest.h>

namespace dml::report {
namespace {

using core::TaskState;

constexpr std::int64_t kGiB = std::int64_t{1} << 30;

TEST(Waiting, ABlockedTaskNamesAFewOfWhomItWaitsFor) {
  std::vector<UnitFacts> units{{"a", TaskState::kRunning},
                               {"b", TaskState::kReady},
                               {"c", TaskState::kSucceeded},
                               {"d", TaskState::kBlocked, {0, 1, 2}}};
  EXPECT_EQ(WhyItWaits(units, 3, {}), "waits for a (running), b (ready)");
  units[3].producers = {0, 1, 4, 5, 6};
  for (const char* name : {"e", "f", "g"}) units.push_back({name, TaskState::kBlocked});
  EXPECT_EQ(WhyItWaits(units, 3, {}), "waits for a (running), b (ready), e (blocked) and 2 more");
}

TEST(Waiting, AReadyTaskSaysWhatIsInUse) {
  const std::vector<UnitFacts> units{{"a", TaskState::kRunning, {}, 2},
                                     {"b", TaskState::kReady, {}, 2},
                                     {"c", TaskState::kCommitting, {}, 2}};
  EXPECT_EQ(WhyItWaits(units, 1, {2, 0}), "waits for 2 cpus; 2 of 2 are in use by a");
  EXPECT_EQ(WhyItWaits(units, 1, {3, 0}), "waits for 2 cpus; 2 of 3 are in use by a");
  EXPECT_EQ(WhyItWaits(units, 1, {}), "waits for 2 cpus; 2 are in use by a")
      << "how many a cluster has is not written down";
  EXPECT_NE(WhyItWaits(units, 1, {4, 0}).find("its turn"), std::string::npos);
}

TEST(Waiting, MemoryCountsToo) {
  std::vector<UnitFacts> units{{"a", TaskState::kLaunching, {}, 1, 6 * kGiB},
                               {"b", TaskState::kReady, {}, 0.5, 4 * kGiB},
                               {"c", TaskState::kRunning, {}, 0.5}};
  EXPECT_EQ(WhyItWaits(units, 1, {4, 8 * kGiB}),
            "waits for 4 GiB of memory; 6 GiB of 8 GiB are in use by a");
  EXPECT_EQ(WhyItWaits(units, 1, {1.5, 8 * kGiB}),
            "waits for 0.5 cpus; 1.5 of 1.5 are in use by a, c; and for 4 GiB of memory; "
            "6 GiB of 8 GiB are in use by a");
}

// That a task has become ready is not written at once.
TEST(Waiting, WhoIsBlockedByNobodyIsReady) {
  const std::vector<UnitFacts> units{
      {"a", TaskState::kReused}, {"b", TaskState::kBlocked, {0}}, {"c", TaskState::kRunning}};
  EXPECT_EQ(WhyItWaits(units, 1, {1, 0}), "waits for 1 cpu; 1 of 1 is in use by c");
}

TEST(Waiting, OthersDoNotWait) {
  for (const TaskState state : {TaskState::kRunning, TaskState::kSucceeded, TaskState::kBackoff}) {
    EXPECT_EQ(WhyItWaits(std::vector<UnitFacts>{{"a", state}}, 0, {}), "");
  }
}

}  // namespace
}  // namespace dml::report

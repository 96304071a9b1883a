// Goal: a backfill takes exactly the slots that did not succeed, and leaves every instant a row.

#include "orchestrator/schedule/backfill.h"

#include <gtest/gtest.h>

#include "orchestrator/schedule/timekeeper.h"

namespace dml::schedule {
namespace {

using state::ScheduleRow;
using state::ScheduleStore;
using state::SlotRow;
using state::SlotState;

constexpr std::int64_t kHourUs = 3'600'000'000;
constexpr std::int64_t kDayUs = 20'000 * 24 * kHourUs;
WallTime At(std::int64_t hours) { return {kDayUs + hours * kHourUs}; }

class BackfillTest : public ::testing::Test {
 protected:
  BackfillTest() : store_(std::move(ScheduleStore::Open(":memory:")).value()) {
    row_.name = "hourly";
    row_.policy = {{"cron", "0 * * * *"}, {"catchup", "none"}};
    row_.cursor = At(0);
    row_.id = *store_.Add(row_);
  }
  BackfillPlan Fill(std::int64_t from, std::int64_t to, bool again = false) {
    const Policy policy = ReadPolicy(row_.policy).value();
    BackfillRequest request;
    request.from = At(from);
    request.to = At(to);
    request.again = again;
    const auto plan = Backfill(store_, row_, policy, request);
    EXPECT_TRUE(plan.ok());
    return *plan;
  }
  void Finish(const SlotRow& slot, SlotState as) {
    state::SlotMove move;
    move.slot = slot.id;
    move.to = SlotState::kStarting;
    EXPECT_TRUE(*store_.Move(move));
    move.from = SlotState::kStarting;
    move.starts = slot.starts + 1;
    move.to = as;
    EXPECT_TRUE(*store_.Move(move));
  }

  ScheduleStore store_;
  ScheduleRow row_;
};

TEST_F(BackfillTest, RunsWhatWasMissedAndNotWhatSucceeded) {
  EXPECT_EQ(Fill(-10, -5).to_run, 6) << "before the schedule began there were slots too";
  const auto open = *store_.OpenSlots(row_.id);
  ASSERT_EQ(open.size(), 6U);
  Finish(open[0], SlotState::kSucceeded);
  Finish(open[1], SlotState::kFailed);
  const BackfillPlan again = Fill(-10, -5);
  EXPECT_EQ(again.to_run, 1);
  EXPECT_EQ(again.succeeded, 1);
  EXPECT_EQ(again.open, 4);
  EXPECT_EQ(Fill(-10, -5, /*again=*/true).to_run, 1);
}

TEST_F(BackfillTest, ARowForManyGivesUpTheMiddle) {
  ASSERT_TRUE(BringUpToDate(store_, row_.id, At(500), At(500)).ok());
  ASSERT_LE(store_.History(row_.id, 1000)->size(), 3U) << "one row stands for many";
  EXPECT_EQ(Fill(100, 109).to_run, 10);
  std::vector<SlotRow> rows = *store_.History(row_.id, 1000);
  std::int64_t count = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    count += rows[i].count;
    if (i > 0) {
      EXPECT_LT(rows[i].last, rows[i - 1].due) << "rows do not overlap";
    }
  }
  EXPECT_EQ(count, 500);
  EXPECT_EQ(store_.OpenSlots(row_.id)->size(), 11U) << "with the slot that is on time";
}

TEST_F(BackfillTest, TooManySlotsAreRefused) {
  const Policy policy = ReadPolicy(row_.policy).value();
  BackfillRequest request;
  request.from = At(-200'000);
  request.to = At(0);
  const auto plan = Backfill(store_, row_, policy, request);
  ASSERT_FALSE(plan.ok());
  EXPECT_EQ(plan.error().kind, ErrorKind::kInvalid);
  EXPECT_TRUE(store_.OpenSlots(row_.id)->empty());
}

}  // namespace
}  // namespace dml::schedule

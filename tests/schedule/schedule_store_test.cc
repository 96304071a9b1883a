// Goal: one row for one instant, whoever writes; only the newest start of a slot moves it.

#include "orchestrator/state/schedule_store.h"

#include <gtest/gtest.h>

namespace dml::state {
namespace {

class ScheduleStoreTest : public testing::Test {
 protected:
  ScheduleStoreTest() : store_(std::move(ScheduleStore::Open(":memory:")).value()) {
    ScheduleRow row;
    row.name = "nightly";
    row.file = "/p.yaml";
    row.cursor = {100};
    schedule_ = *store_.Add(row);
  }

  SlotRow Row(std::int64_t due, SlotState state = SlotState::kWaiting) const {
    SlotRow row;
    row.schedule = schedule_;
    row.due = row.last = row.not_before = {due};
    row.state = state;
    return row;
  }
  SlotId Enter(std::int64_t due) {
    EXPECT_EQ(*store_.AddSlots({Row(due)}), 1);
    return (*store_.SlotAt(schedule_, {due}))->id;
  }
  bool Moves(SlotId slot, SlotState from, int starts, SlotState to) {
    SlotMove move{slot, from, starts, to, {}, {1000}, 0, {}, {}};
    return *store_.Move(move);
  }
  void Finish(std::int64_t due, SlotState as) {
    const SlotId slot = Enter(due);
    EXPECT_TRUE(Moves(slot, SlotState::kWaiting, 0, SlotState::kStarting));
    EXPECT_TRUE(Moves(slot, SlotState::kStarting, 1, SlotState::kRunning));
    EXPECT_TRUE(Moves(slot, SlotState::kRunning, 1, as));
  }

  ScheduleStore store_;
  ScheduleId schedule_;
};

TEST_F(ScheduleStoreTest, AnInstantHasOneRow) {
  Enter(200);
  EXPECT_EQ(*store_.AddSlots({Row(200, SlotState::kSkipped), Row(300)}), 1);
  EXPECT_EQ((*store_.SlotAt(schedule_, {200}))->state, SlotState::kWaiting);
  EXPECT_EQ(store_.History(schedule_, 10)->size(), 2U);
}

TEST_F(ScheduleStoreTest, NamesAreUniqueUntilRemoved) {
  ScheduleRow same;
  same.name = "nightly";
  EXPECT_FALSE(store_.Add(same).ok());
  ASSERT_TRUE(store_.Remove(schedule_).ok());
  EXPECT_TRUE(store_.Add(same).ok());
  EXPECT_EQ(store_.Schedules()->size(), 1U);
  EXPECT_EQ(store_.Schedules(/*with_removed=*/true)->size(), 2U);
  EXPECT_EQ(store_.Find("nigtly").error().hint, "did you mean 'nightly'?");
}

TEST_F(ScheduleStoreTest, ARemovedScheduleComesBackWithItsRows) {
  Finish(200, SlotState::kSucceeded);
  ScheduleRow again = *store_.Schedule(schedule_);
  EXPECT_FALSE(store_.Readopt(again)->has_value()) << "it is there";
  ASSERT_TRUE(store_.Remove(schedule_).ok());
  again.policy = {{"cron", "0 4 * * *"}};
  again.cursor = {900};
  ScheduleRow other = again;
  other.file = "/other.yaml";
  EXPECT_FALSE(store_.Readopt(other)->has_value()) << "of another file";
  EXPECT_EQ(*store_.Readopt(again), schedule_);
  const ScheduleRow row = *store_.Find("nightly");
  EXPECT_EQ(row.id, schedule_);
  EXPECT_EQ(row.policy, again.policy);
  EXPECT_EQ(row.cursor, again.cursor);
  EXPECT_EQ(store_.SlotAt(schedule_, {200})->value().state, SlotState::kSucceeded);
}

TEST_F(ScheduleStoreTest, OnlyTheNewestStartMovesASlot) {
  const SlotId slot = Enter(200);
  EXPECT_TRUE(Moves(slot, SlotState::kWaiting, 0, SlotState::kStarting));
  EXPECT_FALSE(Moves(slot, SlotState::kWaiting, 0, SlotState::kStarting));
  EXPECT_TRUE(Moves(slot, SlotState::kStarting, 1, SlotState::kStarting)) << "a second start";
  EXPECT_FALSE(Moves(slot, SlotState::kStarting, 1, SlotState::kRunning)) << "the first is fenced";
  EXPECT_TRUE(Moves(slot, SlotState::kStarting, 2, SlotState::kRunning));
  EXPECT_TRUE(Moves(slot, SlotState::kRunning, 2, SlotState::kSucceeded));
  const SlotRow row = *store_.Slot(slot);
  EXPECT_EQ(row.starts, 2);
  EXPECT_EQ(row.started->us, 1000);
  EXPECT_EQ(row.finished->us, 1000);
  EXPECT_TRUE(store_.OpenSlots(schedule_)->empty());
}

TEST_F(ScheduleStoreTest, FailuresAreCountedInTheOrderTheyHappened) {
  EXPECT_EQ(*store_.FailuresInRow(schedule_), 0);
  Finish(500, SlotState::kFailed);
  Finish(200, SlotState::kFailed);  // an older slot that ended later
  EXPECT_EQ(*store_.FailuresInRow(schedule_), 2);
  Finish(300, SlotState::kSucceeded);
  EXPECT_EQ(*store_.FailuresInRow(schedule_), 0);
  Finish(301, SlotState::kFailed);
  Finish(302, SlotState::kCancelled);
  EXPECT_EQ(*store_.FailuresInRow(schedule_), 1);
  ASSERT_TRUE(store_.SetPaused(schedule_, false, "").ok());
  EXPECT_EQ(*store_.FailuresInRow(schedule_), 0) << "resuming begins a new count";
}

TEST_F(ScheduleStoreTest, ASlotFollowsItsRunThatWasTakenUpAgain) {
  Finish(200, SlotState::kCancelled);
  const SlotId slot = (*store_.SlotAt(schedule_, {200}))->id;
  ASSERT_TRUE(store_.SetRun(slot, 1, RunId(7)).ok());
  Finish(300, SlotState::kFailed);
  ASSERT_TRUE(store_.Follow(RunId(8), SlotState::kSucceeded, {2000}).ok());
  EXPECT_EQ(store_.Slot(slot)->state, SlotState::kCancelled) << "another run";
  ASSERT_TRUE(store_.Follow(RunId(7), SlotState::kSucceeded, {2000}).ok());
  EXPECT_EQ(store_.Slot(slot)->state, SlotState::kSucceeded);
  EXPECT_EQ(store_.Slot(slot)->finished->us, 2000);
  EXPECT_EQ(*store_.FailuresInRow(schedule_), 0) << "the newest success";
}

// Its own process is at it, and will say how it ends.
TEST_F(ScheduleStoreTest, ASlotThatRunsFollowsNobody) {
  const SlotId slot = Enter(200);
  EXPECT_TRUE(Moves(slot, SlotState::kWaiting, 0, SlotState::kStarting));
  ASSERT_TRUE(store_.SetRun(slot, 1, RunId(7)).ok());
  EXPECT_TRUE(Moves(slot, SlotState::kStarting, 1, SlotState::kRunning));
  ASSERT_TRUE(store_.Follow(RunId(7), SlotState::kSucceeded, {2000}).ok());
  EXPECT_EQ(store_.Slot(slot)->state, SlotState::kRunning);
}

TEST_F(ScheduleStoreTest, AWithdrawnSkipCanBeDecidedAgain) {
  SlotRow many = Row(150, SlotState::kSkipped);
  many.last = {250};
  many.count = 5;
  ASSERT_TRUE(store_.AddSlots({many, Row(300, SlotState::kSkipped), Row(400)}).ok());
  EXPECT_EQ(*store_.WithdrawSkipped(schedule_, {200}), 2);
  EXPECT_FALSE(store_.SlotAt(schedule_, {300})->has_value());
  EXPECT_TRUE(store_.SlotAt(schedule_, {400})->has_value()) << "a row that may run stays";
  EXPECT_EQ((*store_.SlotAt(schedule_, {150}))->last.us, 200);
}

TEST_F(ScheduleStoreTest, WhatIsWrittenTogetherIsUndoneTogether) {
  {
    auto transaction = store_.Begin();
    ASSERT_TRUE(transaction.ok());
    Enter(200);
    ASSERT_TRUE(store_.SetCursor(schedule_, {999}).ok());
  }
  EXPECT_FALSE(store_.SlotAt(schedule_, {200})->has_value());
  EXPECT_EQ(store_.Find("nightly")->cursor.us, 100);
}

}  // namespace
}  // namespace dml::state

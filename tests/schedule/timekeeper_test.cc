// Goal: what the daemon does at one moment: starts, stops, pauses, and new starts for the lost.
// Method: a process table that records what it is asked, and turns at chosen times.

#include "orchestrator/schedule/timekeeper.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

namespace dml::schedule {
namespace {

using state::ScheduleRow;
using state::ScheduleStore;
using state::SlotId;
using state::SlotRow;
using state::SlotState;

constexpr std::int64_t kMinuteUs = 60'000'000;
constexpr std::int64_t kStart = 20'000LL * 86'400 * 1'000'000;
WallTime At(double minutes) {
  return {kStart + static_cast<std::int64_t>(minutes * static_cast<double>(kMinuteUs))};
}

class RecordedProcesses final : public SlotProcesses {
 public:
  Result<void> Start(const ScheduleRow&, const SlotRow& slot) override {
    started.push_back(slot);
    sightings[slot.id] = Sighting::kAlive;
    return {};
  }
  Sighting Look(const SlotRow& slot) override { return sightings[slot.id]; }
  bool Stop(const SlotRow& slot) override {
    stopped.push_back(slot.id);
    return true;
  }
  RunSighting LookAtRun(const ScheduleRow&, const SlotRow&) override { return run; }
  RunSighting run;
  std::vector<SlotRow> started;
  std::vector<SlotId> stopped;
  std::map<SlotId, Sighting> sightings;
};

class TimekeeperTest : public ::testing::Test {
 protected:
  TimekeeperTest()
      : store_(std::move(ScheduleStore::Open(":memory:")).value()),
        keeper_(store_, processes_, Timekeeper::Options{}) {}

  state::ScheduleId Add(Json policy) {
    ScheduleRow row;
    row.name = "p";
    row.policy = std::move(policy);
    row.cursor = At(0);
    return *store_.Add(row);
  }
  void Turn(double minutes) { ASSERT_TRUE(keeper_.Turn(At(minutes)).ok()); }
  void Move(const SlotRow& slot, SlotState from, SlotState to) {
    state::SlotMove move;
    move.slot = slot.id;
    move.from = from;
    move.starts = slot.starts;
    move.to = to;
    move.now = At(1);
    EXPECT_TRUE(*store_.Move(move));
  }
  SlotState StateOf(SlotId slot) { return store_.Slot(slot)->state; }

  ScheduleStore store_;
  RecordedProcesses processes_;
  Timekeeper keeper_;
};

TEST_F(TimekeeperTest, StartsWhatIsDueOnce) {
  Add({{"cron", "*/5 * * * *"}});
  Turn(4);
  EXPECT_TRUE(processes_.started.empty());
  Turn(5);
  Turn(5);
  Turn(5.1);
  ASSERT_EQ(processes_.started.size(), 1U);
  EXPECT_EQ(processes_.started[0].due, At(5));
  EXPECT_EQ(processes_.started[0].starts, 1);
}

TEST_F(TimekeeperTest, ALostProcessIsStartedAgainUntilItIsEnough) {
  Add({{"cron", "*/5 * * * *"}});
  Turn(5);
  const SlotId slot = processes_.started[0].id;
  for (int lost = 1; lost <= kStartsMax; ++lost) {
    Move(processes_.started.back(), SlotState::kStarting, SlotState::kRunning);
    processes_.sightings[slot] = Sighting::kGone;
    Turn(5.2);
  }
  EXPECT_EQ(processes_.started.size(), static_cast<std::size_t>(kStartsMax));
  EXPECT_EQ(StateOf(slot), SlotState::kFailed);
  EXPECT_EQ(store_.Slot(slot)->reason, "its process was lost 4 times");
}

// What it has begun outlived it: that decides.
TEST_F(TimekeeperTest, ASlotThatGetsNoOtherProcessFollowsItsRun) {
  Add({{"cron", "*/5 * * * *"}});
  Turn(5);
  const SlotId slot = processes_.started[0].id;
  for (int lost = 1; lost < kStartsMax; ++lost) {
    Move(processes_.started.back(), SlotState::kStarting, SlotState::kRunning);
    processes_.sightings[slot] = Sighting::kGone;
    Turn(5.2);
  }
  Move(processes_.started.back(), SlotState::kStarting, SlotState::kRunning);
  processes_.sightings[slot] = Sighting::kGone;
  processes_.run = {RunId{7}, true, std::nullopt};
  Turn(5.3);
  Turn(5.4);
  EXPECT_EQ(StateOf(slot), SlotState::kRunning) << "its run goes on";
  processes_.run = {RunId{7}, false, SlotState::kSucceeded};
  Turn(5.5);
  EXPECT_EQ(StateOf(slot), SlotState::kSucceeded);
  EXPECT_EQ(store_.Slot(slot)->run, RunId{7});
  EXPECT_EQ(processes_.started.size(), static_cast<std::size_t>(kStartsMax));
}

// Starts are counted for ever, because they fence; how many may be lost begins anew.
TEST_F(TimekeeperTest, WhatRanOftenMayBeLostOnceMore) {
  Add({{"cron", "*/5 * * * *"}});
  Turn(5);
  const SlotId slot = processes_.started[0].id;
  for (int round = 0; round < kStartsMax; ++round) {
    Move(processes_.started.back(), SlotState::kStarting, SlotState::kRunning);
    Move(processes_.started.back(), SlotState::kRunning, SlotState::kSucceeded);
    SlotRow again;
    again.origin = state::SlotOrigin::kBackfill;
    ASSERT_TRUE(store_.Requeue(slot, again).ok());
    Turn(5.2);
  }
  ASSERT_EQ(store_.Slot(slot)->starts, kStartsMax + 1);
  processes_.sightings[slot] = Sighting::kGone;
  Turn(5.3);
  EXPECT_EQ(StateOf(slot), SlotState::kStarting) << store_.Slot(slot)->reason;
  EXPECT_EQ(store_.Slot(slot)->lost, 1);
}

// The slots that passed while nobody was there are not those that a living one has kept waiting:
// none of them was in the way of another.
TEST_F(TimekeeperTest, WhatPassedBetweenTwoDaemonsIsMadeUpBehindWhatIsTakenUp) {
  const auto id = Add({{"cron", "* * * * *"}, {"catchup", "all"}});
  Turn(1);
  const SlotRow first = processes_.started[0];
  Move(first, SlotState::kStarting, SlotState::kRunning);
  processes_.sightings[first.id] = Sighting::kGone;
  Timekeeper next(store_, processes_, Timekeeper::Options{});
  ASSERT_TRUE(next.Turn(At(5.1)).ok());
  ASSERT_EQ(processes_.started.size(), 2U);
  EXPECT_EQ(processes_.started[1].id, first.id) << "what was lost goes on";
  const std::vector<SlotRow> rows = store_.History(id, 10).value();
  for (const SlotRow& slot : rows) {
    if (slot.id == first.id) continue;
    EXPECT_EQ(slot.state, SlotState::kWaiting) << slot.reason;
    EXPECT_EQ(slot.origin, state::SlotOrigin::kCatchup);
  }
  Move(processes_.started.back(), SlotState::kStarting, SlotState::kRunning);
  processes_.sightings[first.id] = Sighting::kAlive;
  ASSERT_TRUE(next.Turn(At(6)).ok());
  EXPECT_EQ(store_.History(id, 1)->front().reason,
            "overlap: the slot of 2024-10-04T00:01:00Z was still running");
}

TEST_F(TimekeeperTest, AClockSetBackDoesNotMakeTheDaemonAbsent) {
  Add({{"cron", "*/5 * * * *"}, {"catchup", "none"}});
  Turn(62);
  Turn(2);
  Turn(5.2);
  ASSERT_EQ(processes_.started.size(), 1U);
  EXPECT_EQ(processes_.started[0].due, At(5));
}

TEST_F(TimekeeperTest, AProcessThatNobodyHasSeenGetsAMoment) {
  Add({{"cron", "*/5 * * * *"}});
  Turn(5);
  processes_.sightings[processes_.started[0].id] = Sighting::kUnknown;
  Turn(5.1);
  EXPECT_EQ(processes_.started.size(), 1U);
  Turn(5.5);
  ASSERT_EQ(processes_.started.size(), 2U);
  EXPECT_EQ(processes_.started[1].starts, 2) << "the first, should it appear, is fenced";
}

TEST_F(TimekeeperTest, CancelPreviousAsksOnceAndWaits) {
  Add({{"cron", "*/5 * * * *"}, {"overlap", "cancel_previous"}});
  Turn(5);
  const SlotRow first = processes_.started[0];
  Move(first, SlotState::kStarting, SlotState::kRunning);
  Turn(10);
  Turn(10.1);
  EXPECT_EQ(processes_.stopped, std::vector<SlotId>{first.id}) << "a second TERM would kill";
  EXPECT_EQ(processes_.started.size(), 1U);
  Move(first, SlotState::kRunning, SlotState::kCancelled);
  Turn(10.2);
  ASSERT_EQ(processes_.started.size(), 2U);
  EXPECT_EQ(processes_.started[1].due, At(10));
}

TEST_F(TimekeeperTest, AnotherDaemonRepeatsAStopThatMayHaveBeenLost) {
  Add({{"cron", "*/5 * * * *"}, {"overlap", "cancel_previous"}});
  Turn(5);
  Move(processes_.started[0], SlotState::kStarting, SlotState::kRunning);
  ASSERT_TRUE(store_.RequestStop(processes_.started[0].id).ok());
  Timekeeper next(store_, processes_, Timekeeper::Options{});
  ASSERT_TRUE(next.Turn(At(6)).ok());
  ASSERT_TRUE(next.Turn(At(7)).ok());
  EXPECT_EQ(processes_.stopped.size(), 1U);
}

TEST_F(TimekeeperTest, FailuresInARowPauseAtOnce) {
  const auto id = Add({{"cron", "*/5 * * * *"}, {"pause_after_failures", 2}});
  for (const double minute : {5.0, 10.0}) {
    Turn(minute);
    Move(processes_.started.back(), SlotState::kStarting, SlotState::kFailed);
  }
  Turn(11);
  EXPECT_TRUE(store_.OpenSlots(id)->empty());
  EXPECT_TRUE(store_.Schedule(id)->paused);
  EXPECT_EQ(store_.Schedule(id)->paused_reason, "2 failures in a row");
  Turn(15);
  EXPECT_EQ(processes_.started.size(), 2U);
  EXPECT_EQ(store_.History(id, 1)->front().reason, "paused: 2 failures in a row");
}

TEST_F(TimekeeperTest, APauseGivesUpWhatWaitsForItsTurn) {
  const auto id = Add({{"cron", "*/5 * * * *"}, {"overlap", "queue_all"}});
  Turn(5);
  Move(processes_.started[0], SlotState::kStarting, SlotState::kRunning);
  Turn(10);
  ASSERT_TRUE(store_.SetPaused(id, true, "by hand").ok());
  Turn(11);
  EXPECT_EQ(store_.History(id, 1)->front().reason, "paused: by hand");
  EXPECT_EQ(StateOf(processes_.started[0].id), SlotState::kRunning) << "what runs goes on";
}

TEST_F(TimekeeperTest, ARemovedScheduleStartsNothingMore) {
  const auto id = Add({{"cron", "*/5 * * * *"}, {"overlap", "queue_all"}});
  Turn(5);
  Move(processes_.started[0], SlotState::kStarting, SlotState::kRunning);
  Turn(10);
  ASSERT_TRUE(store_.Remove(id).ok());
  processes_.sightings[processes_.started[0].id] = Sighting::kGone;
  Turn(20);
  EXPECT_EQ(processes_.started.size(), 1U);
  EXPECT_TRUE(store_.OpenSlots(id)->empty());
  EXPECT_EQ(store_.History(id, 10)->front().reason, "the schedule was removed");
}

TEST_F(TimekeeperTest, AClockSetBackIsNotedAndNothingRunsTwice) {
  const auto id = Add({{"cron", "*/5 * * * *"}, {"catchup", "none"}});
  Turn(5);
  Move(processes_.started[0], SlotState::kStarting, SlotState::kSucceeded);
  Turn(60);
  Turn(2);
  Turn(5);
  EXPECT_EQ(processes_.started.size(), 2U) << "60 ran; 5 has run and does not run again";
  EXPECT_EQ(StateOf(processes_.started[0].id), SlotState::kSucceeded);
  EXPECT_FALSE(store_.Events(1)->empty());
  Move(processes_.started[1], SlotState::kStarting, SlotState::kSucceeded);
  Turn(10);
  EXPECT_EQ(processes_.started.back().due, At(10)) << "what was skipped gets its turn";
  EXPECT_TRUE(store_.Schedule(id).ok());
}

TEST_F(TimekeeperTest, ASlotIsNotStartedBeyondTheRoom) {
  Add({{"cron", "* * * * *"}, {"overlap", "allow"}});
  Timekeeper narrow(store_, processes_, Timekeeper::Options{2, {}});
  for (int minute = 1; minute <= 5; ++minute) {
    ASSERT_TRUE(narrow.Turn(At(minute)).ok());
    if (!processes_.started.empty())
      processes_.sightings[processes_.started.back().id] = Sighting::kAlive;
  }
  EXPECT_EQ(processes_.started.size(), 2U);
}

TEST_F(TimekeeperTest, AnUnreadableScheduleDoesNotStopTheOthers) {
  Add({{"cron", "nonsense"}});
  ScheduleRow good;
  good.name = "good";
  good.policy = {{"cron", "*/5 * * * *"}};
  good.cursor = At(0);
  ASSERT_TRUE(store_.Add(good).ok());
  std::vector<std::string> said;
  Timekeeper keeper(store_, processes_,
                    Timekeeper::Options{8, [&](const std::string& text) { said.push_back(text); }});
  ASSERT_TRUE(keeper.Turn(At(4)).ok());
  ASSERT_TRUE(keeper.Turn(At(5)).ok());
  EXPECT_EQ(processes_.started.size(), 1U);
  ASSERT_EQ(said.size(), 2U) << "the problem is reported once";
  EXPECT_TRUE(said[0].starts_with("p left alone: ")) << said[0];
}

}  // namespace
}  // namespace dml::schedule

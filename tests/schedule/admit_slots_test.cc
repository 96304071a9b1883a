// Goal: what starts, what waits, what is given up and what has to stop, for every overlap policy.
// Method: a few open rows, named by their hour; the decisions as one line of text.

#include <gtest/gtest.h>

#include <string>

#include "orchestrator/schedule/slot_planner.h"

namespace dml::schedule {
namespace {

using state::SlotId;
using state::SlotOrigin;
using state::SlotRow;
using state::SlotState;

constexpr std::int64_t kHourUs = 3'600'000'000;

SlotRow Slot(int hour, SlotState state, SlotOrigin origin = SlotOrigin::kOnTime) {
  SlotRow row;
  row.id = {hour};
  row.due = {hour * kHourUs};
  row.last = row.due;
  row.not_before = row.due;
  row.state = state;
  row.origin = origin;
  return row;
}
SlotRow Waiting(int hour) { return Slot(hour, SlotState::kWaiting); }
SlotRow Running(int hour) { return Slot(hour, SlotState::kRunning); }
SlotRow Missed(int hour) { return Slot(hour, SlotState::kWaiting, SlotOrigin::kCatchup); }
SlotRow Backfill(int hour, std::int64_t position, int parallel) {
  SlotRow row = Slot(hour, SlotState::kWaiting, SlotOrigin::kBackfill);
  row.position = position;
  row.parallel = parallel;
  return row;
}

Policy With(const char* overlap, const Json& more = Json::object()) {
  Json bound{{"cron", "0 * * * *"}, {"overlap", overlap}};
  bound.update(more);
  return *ReadPolicy(bound);
}

std::string Line(const Admission& admission) {
  std::string out;
  for (const SlotId slot : admission.start) out += "start " + std::to_string(slot.value) + "; ";
  for (const Skip& skip : admission.skip) {
    out += "skip " + std::to_string(skip.slot.value) + " " + skip.reason + "; ";
  }
  for (const SlotId slot : admission.stop) out += "stop " + std::to_string(slot.value) + "; ";
  if (admission.pause) out += "pause: " + *admission.pause + "; ";
  return out;
}

std::string Admit(const Policy& policy, const std::vector<SlotRow>& open, int room = 10,
                  int now_hour = 24) {
  return Line(AdmitSlots(policy, {open, false, 0, room}, {now_hour * kHourUs}));
}

TEST(AdmitSlots, AFreeScheduleStartsItsSlot) {
  for (const char* overlap : {"skip", "queue_one", "queue_all", "cancel_previous", "allow"}) {
    EXPECT_EQ(Admit(With(overlap), {Waiting(3)}), "start 3; ") << overlap;
    EXPECT_EQ(Admit(With(overlap), {}), "") << overlap;
    EXPECT_EQ(Admit(With(overlap), {Waiting(3)}, /*room=*/0), "") << overlap;
  }
}

TEST(AdmitSlots, SkipNamesTheSlotThatWasInTheWay) {
  EXPECT_EQ(Admit(With("skip"), {Running(2), Waiting(3)}),
            "skip 3 overlap: the slot of 1970-01-01T02:00:00Z was still running; ");
  EXPECT_EQ(Admit(With("skip"), {Waiting(2), Waiting(3)}),
            "start 2; skip 3 overlap: the slot of 1970-01-01T02:00:00Z was still to run; ");
}

TEST(AdmitSlots, QueueOneKeepsTheFirst) {
  EXPECT_EQ(Admit(With("queue_one"), {Running(2), Waiting(3)}), "");
  EXPECT_EQ(Admit(With("queue_one"), {Running(2), Waiting(3), Waiting(4)}),
            "skip 4 overlap: the slot of 1970-01-01T03:00:00Z was already waiting; ");
}

TEST(AdmitSlots, QueueAllKeepsThemInOrder) {
  EXPECT_EQ(Admit(With("queue_all"), {Running(2), Waiting(4), Waiting(3)}), "");
  EXPECT_EQ(Admit(With("queue_all"), {Waiting(4), Waiting(3)}), "start 3; ");
}

TEST(AdmitSlots, TheQueueHasAnEnd) {
  std::vector<SlotRow> open{Running(1)};
  for (int i = 0; i <= kQueueMax; ++i) open.push_back(Waiting(2 + i));
  EXPECT_EQ(Admit(With("queue_all"), open, 10, 5000),
            "skip 1002 overlap: 1000 slots were already waiting; ");
}

TEST(AdmitSlots, AllowRunsThemSideBySide) {
  EXPECT_EQ(Admit(With("allow"), {Running(2), Waiting(3), Waiting(4)}), "start 3; start 4; ");
  EXPECT_EQ(Admit(With("allow"), {Running(2), Waiting(3), Waiting(4)}, /*room=*/1), "start 3; ");
}

TEST(AdmitSlots, CancelPreviousStopsOnceAndWaitsForTheEnd) {
  EXPECT_EQ(Admit(With("cancel_previous"), {Running(2), Waiting(3)}), "stop 2; ");
  SlotRow stopping = Running(2);
  stopping.stop_requested = true;
  EXPECT_EQ(Admit(With("cancel_previous"), {stopping, Waiting(3)}), "");
  EXPECT_EQ(Admit(With("cancel_previous"), {stopping, Waiting(3), Waiting(4)}),
            "skip 3 overlap: the slot of 1970-01-01T04:00:00Z took its place; ");
  EXPECT_EQ(Admit(With("cancel_previous"), {Waiting(3), Waiting(4)}),
            "start 4; skip 3 overlap: the slot of 1970-01-01T04:00:00Z took its place; ");
}

SlotRow MakingUp(int hour) { return Slot(hour, SlotState::kRunning, SlotOrigin::kCatchup); }

TEST(AdmitSlots, MadeUpSlotsRunOneByOne) {
  for (const char* overlap : {"skip", "queue_one", "queue_all", "cancel_previous", "allow"}) {
    EXPECT_EQ(Admit(With(overlap), {Missed(3), Missed(2)}), "start 2; ") << overlap;
    EXPECT_EQ(Admit(With(overlap), {MakingUp(2), Missed(3)}), "") << overlap;
    const bool beside = std::string(overlap) == "allow";
    EXPECT_EQ(Admit(With(overlap), {Running(2), Missed(3)}), beside ? "start 3; " : "") << overlap;
  }
}

TEST(AdmitSlots, OnesOnTimeWaitForMadeUpOnesThatWereThereBefore) {
  for (const char* overlap : {"skip", "queue_one", "queue_all"}) {
    EXPECT_EQ(Admit(With(overlap), {MakingUp(2), Missed(3), Waiting(4)}), "") << overlap;
    EXPECT_EQ(Admit(With(overlap), {Missed(3), Waiting(4)}), "start 3; ") << overlap;
  }
  EXPECT_EQ(Admit(With("skip"), {MakingUp(2), Waiting(4), Waiting(5)}), "");
  EXPECT_EQ(Admit(With("queue_one"), {MakingUp(2), Waiting(4), Waiting(5)}),
            "skip 5 overlap: the slot of 1970-01-01T04:00:00Z was already waiting; ");
  EXPECT_EQ(Admit(With("queue_all"), {MakingUp(2), Waiting(4), Waiting(5)}), "");
}

TEST(AdmitSlots, WhereAllAreAllowedOnesOnTimeRunBesideMadeUpOnes) {
  EXPECT_EQ(Admit(With("allow"), {MakingUp(2), Missed(3), Waiting(4), Waiting(5)}),
            "start 4; start 5; ");
  EXPECT_EQ(Admit(With("allow"), {Missed(2), Missed(3), Waiting(4)}), "start 2; start 4; ");
}

TEST(AdmitSlots, WhereTheNewestWinsItTakesThePlaceOfMadeUpOnesToo) {
  EXPECT_EQ(Admit(With("cancel_previous"), {MakingUp(2), Missed(3), Waiting(4)}),
            "skip 3 overlap: the slot of 1970-01-01T04:00:00Z took its place; stop 2; ");
  EXPECT_EQ(Admit(With("cancel_previous"), {Missed(2), Missed(3), Waiting(4)}),
            "start 4; skip 3 overlap: the slot of 1970-01-01T04:00:00Z took its place; "
            "skip 2 overlap: the slot of 1970-01-01T04:00:00Z took its place; ");
}

TEST(AdmitSlots, TheDeadlineCountsFromTheJitteredTime) {
  const Policy policy = With("queue_all", {{"start_deadline", Duration::Seconds(3600).ns}});
  EXPECT_EQ(Admit(policy, {Waiting(22)}), "skip 22 deadline: it could not start within 1h00m; ");
  EXPECT_EQ(Admit(policy, {Waiting(23)}), "start 23; ");
  SlotRow jittered = Waiting(22);
  jittered.not_before = {23 * kHourUs};
  EXPECT_EQ(Admit(policy, {jittered}), "start 22; ");
  const std::vector<SlotRow> queue{Running(2), Waiting(24)};
  const Admission out = AdmitSlots(policy, {queue, false, 0, 1}, {24 * kHourUs});
  EXPECT_EQ(out.look_again->us, 25 * kHourUs + 1);
}

TEST(AdmitSlots, JitterIsWaitedFor) {
  SlotRow jittered = Waiting(23);
  jittered.not_before = {25 * kHourUs};
  const std::vector<SlotRow> open{jittered};
  const Admission out = AdmitSlots(With("skip"), {open, false, 0, 1}, {24 * kHourUs});
  EXPECT_EQ(Line(out), "");
  EXPECT_EQ(out.look_again->us, 25 * kHourUs);
}

TEST(AdmitSlots, BackfillHasItsOwnOrderAndWidth) {
  EXPECT_EQ(
      Admit(With("skip"), {Running(20), Backfill(1, 3, 2), Backfill(2, 2, 2), Backfill(3, 1, 2)}),
      "start 3; start 2; ");
  SlotRow active = Backfill(1, 0, 1);
  active.state = SlotState::kRunning;
  EXPECT_EQ(Admit(With("skip"), {active, Backfill(2, 1, 1), Waiting(20)}), "start 20; ");
}

TEST(AdmitSlots, FailuresInARowPause) {
  const Policy policy = With("skip", {{"pause_after_failures", 3}});
  const std::vector<SlotRow> open{Waiting(3)};
  EXPECT_EQ(Line(AdmitSlots(policy, {open, false, 2, 1}, {24 * kHourUs})), "start 3; ");
  EXPECT_EQ(Line(AdmitSlots(policy, {open, false, 3, 1}, {24 * kHourUs})),
            "pause: 3 failures in a row; ");
  EXPECT_EQ(Line(AdmitSlots(policy, {open, true, 3, 1}, {24 * kHourUs})), "");
}

}  // namespace
}  // namespace dml::schedule

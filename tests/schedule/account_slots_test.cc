// Goal: every instant that passed gets one row, and the row says what becomes of it.
// Method: an hourly schedule, a cursor and a `now`; times are hours of one day.

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "base/quantity.h"
#include "orchestrator/schedule/slot_planner.h"

namespace dml::schedule {
namespace {

using state::ScheduleRow;
using state::SlotRow;
using state::SlotState;

constexpr std::int64_t kHourUs = 3'600'000'000;
constexpr std::int64_t kDayUs = 20'000 * 24 * kHourUs;

WallTime At(double hours) {
  return {kDayUs + static_cast<std::int64_t>(hours * static_cast<double>(kHourUs))};
}

Policy Hourly(const Json& more = Json::object()) {
  Json bound{{"cron", "0 * * * *"}};
  bound.update(more);
  auto policy = ReadPolicy(bound);
  EXPECT_TRUE(policy.ok());
  return *policy;
}

ScheduleRow Schedule(double cursor_hours) {
  ScheduleRow row;
  row.id = {7};
  row.cursor = At(cursor_hours);
  return row;
}

// By a daemon that has just come.
Accounting Account(const Policy& policy, const ScheduleRow& schedule, WallTime now) {
  return AccountSlots(policy, schedule, now, now);
}

// "9 waiting", "8 skipped missed: ...": hours and what was decided.
std::vector<std::string> Decided(const Accounting& accounting) {
  std::vector<std::string> out;
  for (const SlotRow& row : accounting.rows) {
    const auto hour = (row.due.us - kDayUs) / kHourUs;
    std::string text = std::to_string(hour);
    if (row.count > 1) text += "-" + std::to_string((row.last.us - kDayUs) / kHourUs);
    text += " " + std::string(SlotStateName(row.state));
    if (row.state == SlotState::kWaiting) text += " " + std::string(SlotOriginName(row.origin));
    out.push_back(row.reason.empty() ? text : text + " " + row.reason);
  }
  return out;
}

using Strings = std::vector<std::string>;

TEST(AccountSlots, NothingIsDueBetweenSlots) {
  const Accounting out = Account(Hourly(), Schedule(8.25), At(8.75));
  EXPECT_TRUE(out.rows.empty());
  EXPECT_EQ(out.cursor, At(8.75));
  EXPECT_TRUE(out.complete);
}

TEST(AccountSlots, ASlotThatIsDueNowWaitsToRun) {
  EXPECT_EQ(Decided(Account(Hourly(), Schedule(8.5), At(9))), Strings{"9 waiting on time"});
  EXPECT_EQ(Decided(Account(Hourly(), Schedule(9), At(9.5))), Strings{});
}

// Half a minute late: what was due while a daemon was there is on time, and no other.
TEST(AccountSlots, OnlyADaemonThatIsThereMayBeLate) {
  const double now = 9.0 + 30.0 / 3600;
  const Policy none = Hourly({{"catchup", "none"}});
  EXPECT_EQ(Decided(AccountSlots(none, Schedule(8.5), At(now), At(8.9))),
            Strings{"9 waiting on time"});
  EXPECT_EQ(Decided(AccountSlots(none, Schedule(8.5), At(now), At(9.001))),
            Strings{"9 skipped missed: no daemon was there, catchup is none"});
  EXPECT_EQ(Decided(AccountSlots(Hourly(), Schedule(8.5), At(now), At(9.001))),
            Strings{"9 waiting catch-up"});
  EXPECT_EQ(Decided(AccountSlots(none, Schedule(8.5), At(9.5), At(8.9))),
            Strings{"9 skipped missed: the daemon was more than 1m00s late, catchup is none"});
}

TEST(AccountSlots, LatestMakesUpOneSlot) {
  EXPECT_EQ(Decided(Account(Hourly(), Schedule(6.5), At(9.5))),
            (Strings{"7 skipped missed: only the latest slot is made up",
                     "8 skipped missed: only the latest slot is made up", "9 waiting catch-up"}));
}

TEST(AccountSlots, LatestGivesWayToTheSlotThatIsDueNow) {
  EXPECT_EQ(Decided(Account(Hourly(), Schedule(7.5), At(9))),
            (Strings{"8 skipped missed: only the latest slot is made up", "9 waiting on time"}));
}

TEST(AccountSlots, NoneMakesUpNothing) {
  EXPECT_EQ(Decided(Account(Hourly({{"catchup", "none"}}), Schedule(7.5), At(9.5))),
            (Strings{"8 skipped missed: no daemon was there, catchup is none",
                     "9 skipped missed: no daemon was there, catchup is none"}));
}

TEST(AccountSlots, AllIsBoundedByWindowAndCap) {
  const Json all{{"catchup", "all"}};
  EXPECT_EQ(Decided(Account(Hourly(all), Schedule(7.5), At(9.5))),
            (Strings{"8 waiting catch-up", "9 waiting catch-up"}));
  Json capped = all;
  capped["catchup_max"] = 1;
  EXPECT_EQ(Decided(Account(Hourly(capped), Schedule(7.5), At(9.5))),
            (Strings{"8 skipped missed: only the newest slot is made up", "9 waiting catch-up"}));
  Json window = all;
  window["catchup_window"] = Duration::Seconds(3600).ns;
  EXPECT_EQ(
      Decided(Account(Hourly(window), Schedule(7.5), At(9.5))),
      (Strings{"8 skipped missed: older than the catchup window of 1h00m", "9 waiting catch-up"}));
}

TEST(AccountSlots, APauseSkipsWhatComes) {
  ScheduleRow paused = Schedule(7.5);
  paused.paused = true;
  paused.paused_reason = "by hand";
  EXPECT_EQ(Decided(Account(Hourly(), paused, At(9))),
            (Strings{"8 skipped paused: by hand", "9 skipped paused: by hand"}));
}

TEST(AccountSlots, AClockSetBackRewindsTheCursor) {
  const Accounting out = Account(Hourly(), Schedule(9.5), At(7.5));
  EXPECT_TRUE(out.rewind);
  EXPECT_EQ(out.cursor, At(7.5));
  EXPECT_TRUE(out.rows.empty());
}

TEST(AccountSlots, LongStretchesShareARow) {
  const Accounting out = Account(Hourly(), Schedule(0.5), At(24.0 * 365 + 0.5));
  ASSERT_EQ(out.rows.size(), 2U);
  EXPECT_EQ(out.rows[0].count, 365 * 24 - 1);
  EXPECT_EQ(out.rows[0].due, At(1));
  EXPECT_EQ(out.rows[0].last, At(24.0 * 365 - 1));
  EXPECT_EQ(out.rows[1].state, SlotState::kWaiting);
}

// However many steps it takes, the rows cover every instant once, and the newest are kept.
TEST(AccountSlots, ManySlotsTakeSeveralSteps) {
  const WallTime now = At(48);
  for (const bool was_there : {false, true}) {
    for (const std::string catchup : {"none", "latest", "all"}) {
      const Policy policy = *ReadPolicy(
          {{"every", Duration::Seconds(1).ns}, {"catchup", catchup}, {"catchup_max", 3}});
      ScheduleRow schedule = Schedule(0);
      std::int64_t covered = 0;
      std::int64_t waiting = 0;
      int steps = 0;
      for (bool complete = false; !complete; ++steps) {
        const Accounting out = AccountSlots(policy, schedule, now, was_there ? At(0) : now);
        for (const SlotRow& row : out.rows) {
          covered += row.count;
          waiting += row.state == SlotState::kWaiting ? 1 : 0;
          EXPECT_GT(row.due, schedule.cursor);
          EXPECT_LE(row.last, out.cursor);
        }
        schedule.cursor = out.cursor;
        complete = out.complete;
      }
      EXPECT_EQ(covered, 48 * 3600) << catchup;
      EXPECT_GE(steps, 4) << catchup;
      // The last is due at this very moment; a daemon that is there may be a minute late.
      const int newcomer = catchup == "all" ? 3 : 1;
      EXPECT_EQ(waiting, was_there ? 61 : newcomer) << catchup;
      EXPECT_EQ(schedule.cursor, now);
    }
  }
}

TEST(JitterOf, IsAFunctionOfScheduleAndSlot) {
  const Duration jitter = Duration::Seconds(600);
  std::set<std::int64_t> seen;
  for (int hour = 0; hour < 200; ++hour) {
    const Duration one = JitterOf({7}, At(hour), jitter);
    EXPECT_EQ(one, JitterOf({7}, At(hour), jitter));
    EXPECT_GE(one.ns, 0);
    EXPECT_LT(one.ns, jitter.ns);
    seen.insert(one.ns);
  }
  EXPECT_EQ(seen.size(), 200U);
  EXPECT_NE(JitterOf({7}, At(1), jitter), JitterOf({8}, At(1), jitter));
  EXPECT_EQ(JitterOf({7}, At(1), Duration{0}).ns, 0);
}

TEST(AccountSlots, JitterHoldsASlotBack) {
  const Policy policy = Hourly({{"jitter", Duration::Seconds(600).ns}});
  const Accounting out = Account(policy, Schedule(8.5), At(9));
  ASSERT_EQ(out.rows.size(), 1U);
  EXPECT_EQ(out.rows[0].due, At(9));
  EXPECT_EQ(out.rows[0].not_before.us, At(9).us + JitterOf({7}, At(9), policy.jitter).ns / 1000);
}

TEST(ReadPolicy, SaysWhatIsWrong) {
  EXPECT_EQ(ReadPolicy(Json::object()).error().message,
            "a schedule needs either 'cron' or 'every'");
  EXPECT_FALSE(ReadPolicy({{"cron", "0 0 30 2 *"}}).ok());
  EXPECT_FALSE(ReadPolicy({{"cron", "@daily"}, {"timezone", "Mars/Base"}}).ok());
  EXPECT_EQ(ReadPolicy({{"cron", "@daily"}, {"every", 1}}).error().message,
            "a schedule has both 'cron' and 'every'");
}

}  // namespace
}  // namespace dml::schedule

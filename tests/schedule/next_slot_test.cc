// Goal: slots fall where people expect them, above all on the two odd days of the year.
// Method: a table of expression, zone and start, with the following slots written in UTC.

#include "orchestrator/schedule/next_slot.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/quantity.h"

namespace dml::schedule {
namespace {

struct Case {
  const char* cron;
  const char* zone;
  LocalTime start_utc;
  std::vector<std::string> slots;  // UTC, to the minute
};

void PrintTo(const Case& one, std::ostream* out) { *out << one.cron << " in " << one.zone; }

class NextSlotTest : public testing::TestWithParam<Case> {};

TEST_P(NextSlotTest, FollowsTheTable) {
  const Case& one = GetParam();
  const auto cron = CronExpression::Parse(one.cron);
  const auto zone = TimeZone::Find(one.zone);
  ASSERT_TRUE(cron.ok() && zone.ok());
  WallTime time = TimeZone::Find("UTC")->ToInstants(one.start_utc).times.front();
  for (const std::string& expected : one.slots) {
    const auto next = NextSlot(*cron, *zone, time);
    ASSERT_TRUE(next.has_value());
    ASSERT_EQ(FormatUtc(*next).substr(0, 16), expected);
    ASSERT_GT(*next, time);
    time = *next;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Plain, NextSlotTest,
    testing::Values(
        Case{"0 2 * * *", "UTC", {2026, 11, 21, 2, 0, 0}, {"2026-11-22T02:00", "2026-11-23T02:00"}},
        Case{"0 2 * * *",
             "Asia/Shanghai",
             {2026, 11, 20, 0, 0, 0},
             {"2026-11-20T18:00", "2026-11-21T18:00"}},
        Case{"*/20 * * * *",
             "UTC",
             {2026, 12, 31, 23, 30, 0},
             {"2026-12-31T23:40", "2027-01-01T00:00"}},
        Case{"0 0 29 2 *", "UTC", {2026, 1, 1, 0, 0, 0}, {"2028-02-29T00:00", "2032-02-29T00:00"}},
        Case{"0 0 29 2 *", "UTC", {2096, 3, 1, 0, 0, 0}, {"2104-02-29T00:00"}},
        Case{"0 0 L * *", "UTC", {2028, 2, 1, 0, 0, 0}, {"2028-02-29T00:00", "2028-03-31T00:00"}},
        Case{"0 9 * * MON#1",
             "Europe/London",
             {2026, 7, 1, 0, 0, 0},
             {"2026-07-06T08:00", "2026-08-03T08:00"}},
        Case{"0 0 13 * 5",
             "UTC",
             {2026, 11, 10, 0, 0, 0},
             {"2026-11-13T00:00", "2026-11-20T00:00", "2026-11-27T00:00", "2026-12-04T00:00"}}));

// New York 2026: forward on 8 March at 07:00 UTC, back on 1 November at 06:00 UTC.
// London 2026: forward on 29 March at 01:00 UTC, back on 25 October at 01:00 UTC.
// Lord Howe moves by half an hour: forward on 4 October 2026 at 15:30 UTC the day before.
INSTANTIATE_TEST_SUITE_P(
    ClockChanges, NextSlotTest,
    testing::Values(Case{"30 2 * * *",
                         "America/New_York",
                         {2026, 3, 7, 12, 0, 0},
                         {"2026-03-08T07:00", "2026-03-09T06:30"}},
                    Case{"*/30 2 * * *",
                         "America/New_York",
                         {2026, 3, 7, 12, 0, 0},
                         {"2026-03-08T07:00", "2026-03-09T06:00", "2026-03-09T06:30"}},
                    Case{"30 1 * * *",
                         "America/New_York",
                         {2026, 10, 31, 12, 0, 0},
                         {"2026-11-01T05:30", "2026-11-02T06:30"}},
                    Case{"30 * * * *",
                         "America/New_York",
                         {2026, 11, 1, 4, 45, 0},
                         {"2026-11-01T05:30", "2026-11-01T06:30", "2026-11-01T07:30"}},
                    Case{"30 * * * *",
                         "America/New_York",
                         {2026, 3, 8, 6, 0, 0},
                         {"2026-03-08T06:30", "2026-03-08T07:30"}},
                    Case{"30 1 * * *",
                         "Europe/London",
                         {2026, 3, 28, 12, 0, 0},
                         {"2026-03-29T01:00", "2026-03-30T00:30"}},
                    Case{"30 1 * * *",
                         "Europe/London",
                         {2026, 10, 24, 12, 0, 0},
                         {"2026-10-25T00:30", "2026-10-26T01:30"}},
                    Case{"15 2 * * *",
                         "Australia/Lord_Howe",
                         {2026, 10, 3, 0, 0, 0},
                         {"2026-10-03T15:30", "2026-10-04T15:15"}}));

TEST(TimeZone, UnknownNamesGetASuggestion) {
  const auto zone = TimeZone::Find("Europe/Berln");
  ASSERT_FALSE(zone.ok());
  EXPECT_EQ(zone.error().message, "unknown time zone 'Europe/Berln'");
  EXPECT_EQ(zone.error().hint, "did you mean 'Europe/Berlin'?");
}

TEST(NextSlot, EverySecondOfAYearIsRead) {
  const auto cron = CronExpression::Parse("* * * * * *");
  const auto zone = TimeZone::Find("America/New_York");
  WallTime time{1'772'952'600'000'000};  // ten minutes before the clocks go forward
  for (int second = 1; second <= 100'000; ++second) {
    const auto next = NextSlot(*cron, *zone, time);
    ASSERT_EQ(next->us, time.us + 1'000'000) << "second " << second;
    time = *next;
    if (second == 1500) time.us += 86'400'000'000LL;
  }
}

TEST(NextSlot, BetweenTwoSecondsTheNextWholeOneIsMeant) {
  const auto cron = CronExpression::Parse("* * * * * *");
  const auto zone = TimeZone::Find("UTC");
  EXPECT_EQ(NextSlot(*cron, *zone, {1'700'000'000'400'000})->us, 1'700'000'001'000'000);
  EXPECT_EQ(NextSlot(*cron, *zone, {1'699'999'999'999'999})->us, 1'700'000'000'000'000);
}

}  // namespace
}  // namespace dml::schedule

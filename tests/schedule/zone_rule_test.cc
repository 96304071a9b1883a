// Goal: clocks change for ever as a zone's rule says, also after the changes that its file lists.

#include "orchestrator/schedule/zone_rule.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "orchestrator/schedule/time_text.h"
#include "orchestrator/schedule/time_zone.h"

namespace dml::schedule {
namespace {

constexpr std::int64_t kMicros = 1'000'000;

// The changes of a year, in UTC, with the offset in minutes from then on.
std::string ChangesOf(const std::string& rule, int year) {
  const auto parsed = ZoneRule::Parse(rule);
  if (!parsed) return "no rule";
  const TimeZone utc = TimeZone::Find("UTC").value();
  std::string text;
  for (const auto& change : parsed->ChangesAround(DaysSinceEpoch(year, 7, 1) * 86'400)) {
    const std::string at = FormatIn(utc, {change.at_seconds * kMicros});
    if (!at.starts_with(std::to_string(year))) continue;
    text += (text.empty() ? "" : " ") + at.substr(5, 11) + "=" +
            std::to_string(change.offset_seconds / 60);
  }
  return text;
}

TEST(ZoneRule, ReadsEveryForm) {
  EXPECT_EQ(ChangesOf("EST5EDT,M3.2.0,M11.1.0", 2045), "03-12T07:00=-240 11-05T06:00=-300");
  EXPECT_EQ(ChangesOf("<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", 2045),
            "04-01T15:00=630 09-30T15:30=660");
  EXPECT_EQ(ChangesOf("IST-1GMT0,M10.5.0,M3.5.0/1", 2045), "03-26T01:00=60 10-29T01:00=0")
      << "winter is the exception";
  EXPECT_EQ(ChangesOf("<-02>2<-01>,M3.5.0/-1,M10.5.0/0", 2045), "03-26T01:00=-60 10-29T01:00=-120")
      << "before midnight";
  EXPECT_EQ(ChangesOf("EET-2EEST,M3.4.4/50,M10.4.4/50", 2045), "03-25T00:00=180 10-27T23:00=120")
      << "two days later";
  EXPECT_EQ(ChangesOf("AAA3BBB,J60/0,J300/12:30:15", 2048), "03-01T03:00=-120 10-27T14:30=-180");
  EXPECT_EQ(ChangesOf("AAA3BBB,59/0,299", 2048), "02-29T03:00=-120 10-26T04:00=-180");
}

TEST(ZoneRule, RefusesWhatIsNoRule) {
  for (const char* text : {"", "UTC0", "EST5EDT", "EST5EDT,M3.2.0", "EST5EDT,M13.2.0,M11.1.0",
                           "EST5EDT,M3.6.0,M11.1.0", "EST5EDT,M3.2.7,M11.1.0", "EST5EDT,J0,J300",
                           "EST5EDT,J1,J366", "EST5EDT,M3.2.0,M11.1.0x", "E5EDT,M3.2.0,M11.1.0",
                           "<EST5EDT,M3.2.0,M11.1.0", "EST5EDT,M3.2.0/200,M11.1.0"}) {
    EXPECT_FALSE(ZoneRule::Parse(text)) << text;
  }
  EXPECT_FALSE(ZoneRule::Read("/nowhere"));
  EXPECT_FALSE(ZoneRule::Read(__FILE__));
}

// 400 years have the same days of the week: what holds in 2030 holds in 2430.
TEST(ZoneRule, LaterCenturiesAreLikeThisOne) {
  const TimeZone zone = TimeZone::Find("America/New_York").value();
  const std::int64_t cycle = std::int64_t{146'097} * 86'400 * kMicros;
  const std::int64_t begin = DaysSinceEpoch(2030, 1, 1) * 86'400 * kMicros;
  for (int day = 0; day < 366; ++day) {
    const std::int64_t now = begin + day * 86'400 * kMicros;
    const LocalTime a = zone.ToLocal({now});
    const LocalTime b = zone.ToLocal({now + cycle});
    ASSERT_EQ(b.year, a.year + 400);
    ASSERT_EQ(b.hour, a.hour) << "day " << day;
    ASSERT_EQ(zone.PeriodAt({now + cycle}).begin.us - cycle, zone.PeriodAt({now}).begin.us);
  }
}

TEST(ZoneRule, GapsAndRepeatedTimesOfLaterYears) {
  const TimeZone zone = TimeZone::Find("America/New_York").value();
  const TimeZone utc = TimeZone::Find("UTC").value();
  const Instants gap = zone.ToInstants({2045, 3, 12, 2, 30, 0});
  EXPECT_TRUE(gap.times.empty());
  EXPECT_EQ(FormatIn(utc, gap.gap_end), "2045-03-12T07:00:00Z");
  const Instants twice = zone.ToInstants({2045, 11, 5, 1, 30, 0});
  ASSERT_EQ(twice.times.size(), 2U);
  EXPECT_EQ(FormatIn(utc, twice.times[0]), "2045-11-05T05:30:00Z");
  EXPECT_EQ(FormatIn(utc, twice.times[1]), "2045-11-05T06:30:00Z");
  const Instants once = zone.ToInstants({2045, 7, 1, 12, 0, 0});
  ASSERT_EQ(once.times.size(), 1U);
  EXPECT_EQ(FormatIn(utc, once.times[0]), "2045-07-01T16:00:00Z");
}

}  // namespace
}  // namespace dml::schedule

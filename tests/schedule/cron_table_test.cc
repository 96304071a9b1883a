// Goal: the slots are those that others compute: 1,200 rows of expression, zone and date.
// Method: cron_table.tsv, written by make_cron_table.py from Python's zone data and confirmed by
// `systemd-analyze calendar`, but for times that a change of clocks leaves out or repeats.

#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "orchestrator/schedule/next_slot.h"
#include "orchestrator/schedule/time_text.h"

namespace dml::schedule {
namespace {

std::vector<std::string> Split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::stringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) parts.push_back(part);
  return parts;
}

TEST(CronTable, AgreesWithOthers) {
  std::ifstream file(std::string(DML_SOURCE_DIR) + "/tests/schedule/cron_table.tsv");
  ASSERT_TRUE(file.is_open());
  const TimeZone utc = TimeZone::Find("UTC").value();
  int rows = 0;
  int confirmed = 0;
  std::set<std::string> expressions;
  std::set<std::string> zones;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with('#')) continue;
    const std::vector<std::string> cells = Split(line, '\t');
    ASSERT_EQ(cells.size(), 5U) << line;
    const auto cron = CronExpression::Parse(cells[0]);
    const auto zone = TimeZone::Find(cells[1]);
    const auto start = ParseTime(cells[2], utc);
    ASSERT_TRUE(cron.ok() && zone.ok() && start.ok()) << line;
    WallTime time = *start;
    std::string found;
    for (std::size_t i = 0; i < Split(cells[3], ' ').size(); ++i) {
      const auto next = NextSlot(*cron, *zone, time);
      ASSERT_TRUE(next.has_value()) << line;
      time = *next;
      found += (found.empty() ? "" : " ") + FormatIn(utc, time);
    }
    EXPECT_EQ(found, cells[3]) << cells[0] << " in " << cells[1] << " after " << cells[2];
    ++rows;
    confirmed += cells[4].ends_with("systemd") ? 1 : 0;
    expressions.insert(cells[0]);
    zones.insert(cells[1]);
  }
  EXPECT_GE(rows, 1200);
  EXPECT_GE(confirmed, 1200);
  EXPECT_GE(expressions.size(), 30U);
  EXPECT_GE(zones.size(), 10U);
}

TEST(TimeText, ReadsWhatItWrites) {
  const TimeZone berlin = TimeZone::Find("Europe/Berlin").value();
  for (const char* text : {"2026-07-01T02:30:00+02:00", "2026-12-31T23:59:59+01:00"}) {
    const auto time = ParseTime(text, berlin);
    ASSERT_TRUE(time.ok()) << text;
    EXPECT_EQ(FormatIn(berlin, *time), text);
  }
  EXPECT_EQ(ParseTime("2026-07-01", berlin)->us, ParseTime("2026-06-30T22:00:00Z", berlin)->us);
  EXPECT_EQ(ParseTime("2026-03-29 02:30", berlin)->us,
            ParseTime("2026-03-29T01:00:00Z", berlin)->us)
      << "a time in the gap is the end of the gap";
}

TEST(TimeText, RefusesWhatIsNoTime) {
  const TimeZone utc = TimeZone::Find("UTC").value();
  for (const char* text : {"", "2026", "2026-13-01", "2026-02-29", "2026-01-01T24:00", "today",
                           "2026-01-01T00:00:00Zx", "2026-01-01T00:00+", "2026-1-1"}) {
    EXPECT_FALSE(ParseTime(text, utc).ok()) << text;
  }
}

}  // namespace
}  // namespace dml::schedule

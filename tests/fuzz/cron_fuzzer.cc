// Bytes as a zone, a line break and a cron expression: nothing crashes or hangs, every refusal has
// words, and the slots of what is accepted come one after the other and match the fields.

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/check.h"
#include "orchestrator/schedule/next_slot.h"
#include "orchestrator/schedule/time_text.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace dml::schedule;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const std::size_t line = std::min(text.find('\n'), text.size());
  static const TimeZone utc = TimeZone::Find("UTC").value();
  const auto named = TimeZone::Find(text.substr(0, line));
  const TimeZone zone = named.ok() ? *named : utc;
  const auto time_text = ParseTime(text.substr(0, line), zone);
  if (time_text.ok()) {
    const auto again = ParseTime(FormatIn(zone, *time_text), utc);
    DML_CHECK(again.ok() && again->us == time_text->us, "a time that is written can be read");
  }
  const auto cron = CronExpression::Parse(line < text.size() ? text.substr(line + 1) : text);
  if (!cron.ok()) {
    DML_CHECK(!cron.error().message.empty(), "a refusal has words");
    return 0;
  }
  dml::WallTime time{1'772'323'200'000'000};  // 2026-03-01
  for (int i = 0; i < 8; ++i) {
    const auto next = NextSlot(*cron, zone, time);
    if (!next) break;
    DML_CHECK(*next > time, "slots go forward");
    const LocalTime local = zone.ToLocal(*next);
    const bool field_match =
        cron->MatchesDay(local.month, local.day, WeekdayOf(local.year, local.month, local.day),
                         DaysInMonth(local.year, local.month)) &&
        cron->hours()[static_cast<std::size_t>(local.hour)] &&
        cron->minutes()[static_cast<std::size_t>(local.minute)] &&
        cron->seconds()[static_cast<std::size_t>(local.second)];
    // Only right after a gap may the clock read something else: it read less a moment before.
    const LocalTime before = zone.ToLocal({next->us - 1'000'000});
    const bool after_gap = (local.hour * 3600 + local.minute * 60 + local.second -
                            before.hour * 3600 - before.minute * 60 - before.second + 86'400) %
                               86'400 !=
                           1;
    DML_CHECK(field_match || after_gap, "a slot matches the expression");
    time = *next;
  }
  return 0;
}

#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dml::schedule {

// The rule by which a zone changes its clocks for ever after the last change that its file lists:
// the last line of a TZif file (RFC 8536), a POSIX TZ string such as "EST5EDT,M3.2.0,M11.1.0".
// A value.
class ZoneRule {
 public:
  // Nothing if it is no such text, or if it tells of no changes.
  static std::optional<ZoneRule> Parse(std::string_view text);
  // Of the file of a zone: what its last line says.
  static std::optional<ZoneRule> Read(const std::string& path);

  struct Change {
    std::int64_t at_seconds = 0;      // since 1970, UTC
    std::int64_t offset_seconds = 0;  // local minus UTC, from then on
  };
  // The changes of the years around an instant, ascending: the instant lies between two of them.
  [[nodiscard]] std::vector<Change> ChangesAround(std::int64_t seconds) const;

 private:
  // The day of a change and the seconds after its midnight, which may be negative or beyond a day.
  struct Day {
    enum class Kind { kWeekday, kJulian, kDayOfYear } kind = Kind::kWeekday;
    int month = 1;   // kWeekday: the nth `weekday` of the month, 5 the last
    int nth = 1;     //
    int number = 0;  // kWeekday: Sunday 0; kJulian: 1-365, never 29 February; kDayOfYear: 0-365
    std::int64_t seconds = 2 * 3600;
  };
  struct Reader;
  static std::int64_t SecondsOf(const Day& day, int year);

  std::int64_t standard_ = 0;  // local minus UTC, seconds
  std::int64_t summer_ = 0;
  Day begins_;  // of summer time, by standard time
  Day ends_;    // by summer time
};

}  // namespace dml::schedule

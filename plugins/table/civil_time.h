#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace dml::table {

// Calendar arithmetic on the proleptic Gregorian calendar, UTC, without leap seconds.

inline constexpr std::int64_t kMicrosPerSecond = 1'000'000;
inline constexpr std::int64_t kMicrosPerDay = 86'400 * kMicrosPerSecond;

// Days since 1970-01-01; the month counts from 1.
[[nodiscard]] std::int64_t DaysFromCivil(std::int64_t year, unsigned month, unsigned day);

struct CivilDate {
  std::int64_t year = 1970;
  unsigned month = 1;
  unsigned day = 1;
};
[[nodiscard]] CivilDate CivilFromDays(std::int64_t days);

// Microseconds since 1970-01-01 UTC of an ISO 8601 date ("2026-11-21") or date and time
// ("2026-11-21T01:30", "2026-11-21 01:30:00.25", with "Z" or an offset such as "+08:00"). A time
// without offset is UTC. Nothing else may precede or follow, and digits past the sixth
// must be 0: a time that would lose some is none.
[[nodiscard]] std::optional<std::int64_t> ParseIsoTimestamp(std::string_view text);

// The same by a strptime-like format of %Y %y %m %d %H %I %M %S %f %p %b %% and literal text.
[[nodiscard]] std::optional<std::int64_t> ParseTimestamp(std::string_view text,
                                                         std::string_view format);

// Whether such a format can give a time: its directives are known, none of them comes twice, and
// they say at least year, month and day.
[[nodiscard]] Result<void> CheckTimestampFormat(std::string_view format);

// The shortest ISO text that ParseIsoTimestamp reads back: "2026-11-21" at midnight, else
// "2026-11-21 01:30:00" with as many decimals as it takes.
[[nodiscard]] std::string FormatTimestamp(std::int64_t micros);

}  // namespace dml::table

#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/result.h"

struct sqlite3;

namespace dml::sql {

// A time inside SQL is the text that SQLite's own date functions make and read,
// "2011-01-31 09:30:00", with decimals only if there are some. Columns of times compare by the
// collation kTimeCollation: every text that says a time, however it is written, by the instant;
// all other texts after them, bytewise.
inline constexpr char kTimeCollation[] = "dml_time";

using TimeText = std::array<char, 48>;
// The text of a time, inside `room`.
[[nodiscard]] std::string_view WriteTime(std::int64_t micros, TimeText& room);

// The instant of an ISO 8601 date or date and time. "2011" and "2011-02" are where they begin.
[[nodiscard]] std::optional<std::int64_t> ReadTime(std::string_view text);

// Negative, zero or positive.
[[nodiscard]] int CompareTimes(std::string_view a, std::string_view b);

// Adds the collation.
Result<void> AddTimeOrder(sqlite3* db);

}  // namespace dml::sql

#include "plugins/table/sql/time_text.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <string>

#include "plugins/table/civil_time.h"

namespace dml::sql {

namespace {

char* WriteDigits(char* out, std::int64_t value, int width) {
  for (int i = width - 1; i >= 0; --i) {
    out[i] = static_cast<char>('0' + value % 10);
    value /= 10;
  }
  return out + width;
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

std::string_view WriteTime(std::int64_t micros, TimeText& room) {
  std::int64_t days = micros / table::kMicrosPerDay;
  std::int64_t rest = micros % table::kMicrosPerDay;
  if (rest < 0) {
    rest += table::kMicrosPerDay;
    --days;
  }
  const table::CivilDate date = table::CivilFromDays(days);
  char* at = room.data();
  if (date.year >= 0 && date.year <= 9999) {
    at = WriteDigits(at, date.year, 4);
  } else {
    at = fmt::format_to(at, "{:05}", date.year);
  }
  *at++ = '-';
  at = WriteDigits(at, date.month, 2);
  *at++ = '-';
  at = WriteDigits(at, date.day, 2);
  const std::int64_t seconds = rest / table::kMicrosPerSecond;
  *at++ = ' ';
  at = WriteDigits(at, seconds / 3600, 2);
  *at++ = ':';
  at = WriteDigits(at, seconds / 60 % 60, 2);
  *at++ = ':';
  at = WriteDigits(at, seconds % 60, 2);
  if (const std::int64_t fraction = rest % table::kMicrosPerSecond; fraction != 0) {
    *at++ = '.';
    at = WriteDigits(at, fraction, 6);
    while (at[-1] == '0') --at;
  }
  return {room.data(), static_cast<std::size_t>(at - room.data())};
}

std::optional<std::int64_t> ReadTime(std::string_view text) {
  const bool year = text.size() == 4 && std::ranges::all_of(text, IsDigit);
  const bool month = text.size() == 7 && text[4] == '-';
  if (!year && !month) return table::ParseIsoTimestamp(text);
  return table::ParseIsoTimestamp(std::string(text) + (year ? "-01-01" : "-01"));
}

int CompareTimes(std::string_view a, std::string_view b) {
  if (a == b) return 0;
  const auto left = ReadTime(a);
  const auto right = ReadTime(b);
  if (left && right) return *left < *right ? -1 : *left > *right ? 1 : 0;
  if (left || right) return left ? -1 : 1;
  return a.compare(b);
}

Result<void> AddTimeOrder(sqlite3* db) {
  const int code = sqlite3_create_collation_v2(
      db, kTimeCollation, SQLITE_UTF8, nullptr,
      [](void*, int a_size, const void* a, int b_size, const void* b) {
        return CompareTimes({static_cast<const char*>(a), static_cast<std::size_t>(a_size)},
                            {static_cast<const char*>(b), static_cast<std::size_t>(b_size)});
      },
      nullptr);
  if (code != SQLITE_OK) return Error::Environment("SQLite does not take a collation");
  return {};
}

}  // namespace dml::sql

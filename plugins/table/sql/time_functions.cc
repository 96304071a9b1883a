#include "plugins/table/sql/time_functions.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <string>
#include <utility>

#include "plugins/table/civil_time.h"
#include "plugins/table/sql/time_text.h"

namespace dml::sql {

namespace {

__extension__ using Wide = __int128;
using table::CivilDate;
using table::kMicrosPerDay;
using table::kMicrosPerSecond;

std::string_view TextOf(sqlite3_value* value) {
  const auto* text = reinterpret_cast<const char*>(sqlite3_value_text(value));
  return text == nullptr
             ? std::string_view()
             : std::string_view(text, static_cast<std::size_t>(sqlite3_value_bytes(value)));
}

const char* NameOf(sqlite3_context* call) {
  return static_cast<const char*>(sqlite3_user_data(call));
}

void Fail(sqlite3_context* call, const std::string& message) {
  sqlite3_result_error(call, message.c_str(), static_cast<int>(message.size()));
}

// The argument as a time; nothing if it is missing, or if it is none, which is then the error.
std::optional<std::int64_t> TimeArgument(sqlite3_context* call, sqlite3_value* value) {
  if (sqlite3_value_type(value) == SQLITE_NULL) return std::nullopt;
  if (sqlite3_value_type(value) == SQLITE_TEXT) {
    if (const auto time = ReadTime(TextOf(value))) return time;
  }
  Fail(call, fmt::format("{}() takes times such as '2011-01-31 09:30:00', but found '{}'",
                         NameOf(call), TextOf(value).substr(0, 40)));
  return std::nullopt;
}

struct Parts {
  std::int64_t days = 0;  // since 1970-01-01, a Thursday
  std::int64_t micros = 0;
  CivilDate date;
};

Parts PartsOf(std::int64_t time) {
  Parts parts{time / kMicrosPerDay, time % kMicrosPerDay, {}};
  if (parts.micros < 0) {
    parts.micros += kMicrosPerDay;
    --parts.days;
  }
  parts.date = table::CivilFromDays(parts.days);
  return parts;
}

// 0 is Monday.
std::int64_t Weekday(const Parts& at) { return ((at.days + 3) % 7 + 7) % 7; }

// ISO 8601: the week of the Thursday of this week.
std::int64_t Week(const Parts& at) {
  const std::int64_t thursday = at.days - Weekday(at) + 3;
  return (thursday - table::DaysFromCivil(table::CivilFromDays(thursday).year, 1, 1)) / 7 + 1;
}

using PartReader = std::int64_t (*)(const Parts& at);
constexpr std::pair<const char*, PartReader> kParts[] = {
    {"year", [](const Parts& at) { return at.date.year; }},
    {"quarter", [](const Parts& at) { return std::int64_t{(at.date.month + 2) / 3}; }},
    {"month", [](const Parts& at) { return std::int64_t{at.date.month}; }},
    {"week", Week},
    {"day", [](const Parts& at) { return std::int64_t{at.date.day}; }},
    {"hour", [](const Parts& at) { return at.micros / (3600 * kMicrosPerSecond); }},
    {"minute", [](const Parts& at) { return at.micros / (60 * kMicrosPerSecond) % 60; }},
    {"second", [](const Parts& at) { return at.micros / kMicrosPerSecond % 60; }},
    {"weekday", Weekday},
    {"dayofyear",
     [](const Parts& at) { return at.days - table::DaysFromCivil(at.date.year, 1, 1) + 1; }},
};

template <std::size_t kPart>
void Part(sqlite3_context* call, int, sqlite3_value** values) {
  const auto time = TimeArgument(call, values[0]);
  if (time) sqlite3_result_int64(call, kParts[kPart].second(PartsOf(*time)));
}

template <std::int64_t kUnit>
void Between(sqlite3_context* call, int, sqlite3_value** values) {
  const auto from = TimeArgument(call, values[0]);
  const auto to = TimeArgument(call, values[1]);
  if (!from || !to) return;
  const Wide distance = static_cast<Wide>(*to) - *from;
  sqlite3_result_double(call, static_cast<double>(distance) / static_cast<double>(kUnit));
}

void ResultTime(sqlite3_context* call, std::int64_t time) {
  TimeText room;
  const std::string_view text = WriteTime(time, room);
  sqlite3_result_text(call, text.data(), static_cast<int>(text.size()), SQLITE_TRANSIENT);
}

std::optional<std::int64_t> Truncate(std::string_view unit, std::int64_t time) {
  const Parts at = PartsOf(time);
  const auto start_of = [&](unsigned month) {
    return table::DaysFromCivil(at.date.year, month, 1) * kMicrosPerDay;
  };
  if (unit == "year") return start_of(1);
  if (unit == "quarter") return start_of((at.date.month - 1) / 3 * 3 + 1);
  if (unit == "month") return start_of(at.date.month);
  if (unit == "week") return (at.days - Weekday(at)) * kMicrosPerDay;
  if (unit == "day") return time - at.micros;
  if (unit == "hour") return time - at.micros % (3600 * kMicrosPerSecond);
  if (unit == "minute") return time - at.micros % (60 * kMicrosPerSecond);
  return std::nullopt;
}

void DateTrunc(sqlite3_context* call, int, sqlite3_value** values) {
  const auto time = TimeArgument(call, values[1]);
  if (!time || sqlite3_value_type(values[0]) == SQLITE_NULL) return;
  const auto start = Truncate(TextOf(values[0]), *time);
  if (start) return ResultTime(call, *start);
  Fail(call, fmt::format("date_trunc() knows year, quarter, month, week, day, hour and minute, "
                         "but not '{}'",
                         TextOf(values[0]).substr(0, 40)));
}

void ParseTime(sqlite3_context* call, int, sqlite3_value** values) {
  if (sqlite3_value_type(values[0]) == SQLITE_NULL || sqlite3_value_type(values[1]) == SQLITE_NULL)
    return;
  if (const auto time = table::ParseTimestamp(TextOf(values[0]), TextOf(values[1]))) {
    return ResultTime(call, *time);
  }
  Fail(call, fmt::format("parse_time(): '{}' is not of the form '{}'",
                         TextOf(values[0]).substr(0, 40), TextOf(values[1]).substr(0, 40)));
}

Result<void> Add(sqlite3* db, const char* name, int arguments,
                 void (*function)(sqlite3_context*, int, sqlite3_value**)) {
  const int code = sqlite3_create_function_v2(
      db, name, arguments, SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS,
      const_cast<char*>(name), function, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return Error::Environment("SQLite does not take a function");
  return {};
}

template <std::size_t... kPart>
Result<void> AddParts(sqlite3* db, std::index_sequence<kPart...>) {
  Result<void> added;
  ((added.ok() ? void(added = Add(db, kParts[kPart].first, 1, Part<kPart>)) : void()), ...);
  return added;
}

}  // namespace

Result<void> AddTimeFunctions(sqlite3* db) {
  DML_RETURN_IF_ERROR(AddParts(db, std::make_index_sequence<std::size(kParts)>{}));
  DML_RETURN_IF_ERROR(Add(db, "days_between", 2, Between<kMicrosPerDay>));
  DML_RETURN_IF_ERROR(Add(db, "seconds_between", 2, Between<kMicrosPerSecond>));
  DML_RETURN_IF_ERROR(Add(db, "date_trunc", 2, DateTrunc));
  return Add(db, "parse_time", 2, ParseTime);
}

}  // namespace dml::sql

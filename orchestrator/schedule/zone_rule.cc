#include "orchestrator/schedule/zone_rule.h"

#include <algorithm>
#include <charconv>

#include "base/files.h"
#include "orchestrator/schedule/time_zone.h"

namespace dml::schedule {

namespace {

constexpr std::int64_t kDaySeconds = 86'400;
// No zone file is near that.
constexpr std::size_t kFileBytesMax = 1U << 20;

bool IsLeap(int year) { return DaysInMonth(year, 2) == 29; }

}  // namespace

// Takes one piece after the other; false from the first that does not fit.
struct ZoneRule::Reader {
  std::string_view left;

  bool Take(char wanted) {
    if (left.empty() || left.front() != wanted) return false;
    left.remove_prefix(1);
    return true;
  }
  bool Number(int& out, int low, int high) {
    const auto [end, bad] = std::from_chars(left.data(), left.data() + left.size(), out);
    if (bad != std::errc() || out < low || out > high) return false;
    left.remove_prefix(static_cast<std::size_t>(end - left.data()));
    return true;
  }
  // "EST" or "<+0330>"
  bool Name() {
    const bool quoted = Take('<');
    const auto last = std::ranges::find_if(left, [&](char c) {
      const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
      return quoted ? c == '>' : !letter;
    });
    const auto size = static_cast<std::size_t>(last - left.begin());
    left.remove_prefix(size);
    return size >= 3 && (!quoted || Take('>'));
  }
  // "[+-]hh[:mm[:ss]]"
  bool Time(std::int64_t& seconds) {
    const bool negative = Take('-');
    if (!negative) Take('+');
    int parts[3] = {0, 0, 0};
    if (!Number(parts[0], 0, 167)) return false;
    for (int i = 1; i < 3 && Take(':'); ++i) {
      if (!Number(parts[i], 0, 59)) return false;
    }
    seconds = std::int64_t{parts[0]} * 3600 + std::int64_t{parts[1]} * 60 + parts[2];
    if (negative) seconds = -seconds;
    return true;
  }
  bool TakeDay(Day& day) {
    if (!Take(',')) return false;
    if (Take('M')) {
      const bool taken = Number(day.month, 1, 12) && Take('.') && Number(day.nth, 1, 5) &&
                         Take('.') && Number(day.number, 0, 6);
      if (!taken) return false;
    } else if (Take('J')) {
      day.kind = Day::Kind::kJulian;
      if (!Number(day.number, 1, 365)) return false;
    } else {
      day.kind = Day::Kind::kDayOfYear;
      if (!Number(day.number, 0, 365)) return false;
    }
    return !Take('/') || Time(day.seconds);
  }
};

std::optional<ZoneRule> ZoneRule::Parse(std::string_view text) {
  ZoneRule rule;
  Reader reader{text};
  // POSIX counts west of Greenwich as positive.
  std::int64_t west = 0;
  if (!reader.Name() || !reader.Time(west)) return std::nullopt;
  rule.standard_ = -west;
  if (!reader.Name()) return std::nullopt;
  rule.summer_ = rule.standard_ + 3600;
  if (!reader.left.empty() && reader.left.front() != ',') {
    if (!reader.Time(west)) return std::nullopt;
    rule.summer_ = -west;
  }
  if (!reader.TakeDay(rule.begins_) || !reader.TakeDay(rule.ends_)) return std::nullopt;
  if (!reader.left.empty()) return std::nullopt;
  return rule;
}

std::optional<ZoneRule> ZoneRule::Read(const std::string& path) {
  auto file = ReadFileUpTo(path, kFileBytesMax);
  if (!file.ok() || !file->starts_with("TZif") || !file->ends_with('\n')) return std::nullopt;
  file->pop_back();
  const std::size_t before = file->rfind('\n');
  if (before == std::string::npos) return std::nullopt;
  return Parse(std::string_view(*file).substr(before + 1));
}

// Of local time.
std::int64_t ZoneRule::SecondsOf(const Day& day, int year) {
  std::int64_t days = DaysSinceEpoch(year, 1, 1);
  if (day.kind == Day::Kind::kDayOfYear) {
    days += day.number;
  } else if (day.kind == Day::Kind::kJulian) {
    days += day.number - 1 + (IsLeap(year) && day.number > 59 ? 1 : 0);
  } else {
    const int first = (day.number - WeekdayOf(year, day.month, 1) + 7) % 7 + 1;
    int date = first + 7 * (day.nth - 1);
    while (date > DaysInMonth(year, day.month)) date -= 7;
    days = DaysSinceEpoch(year, day.month, date);
  }
  return days * kDaySeconds + day.seconds;
}

std::vector<ZoneRule::Change> ZoneRule::ChangesAround(std::int64_t seconds) const {
  constexpr std::int64_t kYearSeconds = 31'556'952;  // mean Gregorian
  const int middle = 1970 + static_cast<int>(seconds / kYearSeconds);
  std::vector<Change> changes;
  for (int year = middle - 2; year <= middle + 2; ++year) {
    changes.push_back({SecondsOf(begins_, year) - standard_, summer_});
    changes.push_back({SecondsOf(ends_, year) - summer_, standard_});
  }
  std::ranges::sort(changes, {}, &Change::at_seconds);
  return changes;
}

}  // namespace dml::schedule

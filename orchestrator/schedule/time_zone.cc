#include "orchestrator/schedule/time_zone.h"

#include <date/tz.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <iterator>
#include <map>
#include <mutex>
#include <optional>

#include "base/check.h"
#include "base/suggest.h"
#include "orchestrator/schedule/zone_rule.h"

namespace dml::schedule {

namespace {

using Micros = std::chrono::microseconds;

// The first and the last period of a zone have ends that would not fit.
constexpr std::int64_t kFarSeconds = 1'000'000'000'000;
constexpr std::int64_t kMicros = 1'000'000;

date::local_seconds ToDate(const LocalTime& local) {
  const date::year_month_day day = date::year(local.year) /
                                   date::month(static_cast<unsigned>(local.month)) /
                                   date::day(static_cast<unsigned>(local.day));
  return date::local_days(day) + std::chrono::hours(local.hour) +
         std::chrono::minutes(local.minute) + std::chrono::seconds(local.second);
}

date::year_month_day FromParts(int year, int month, int day) {
  return date::year(year) / date::month(static_cast<unsigned>(month)) /
         date::day(static_cast<unsigned>(day));
}

WallTime ToWall(date::sys_seconds time) {
  return {std::chrono::duration_cast<Micros>(time.time_since_epoch()).count()};
}

WallTime Bounded(date::sys_seconds time) {
  return {std::clamp<std::int64_t>(time.time_since_epoch().count(), -kFarSeconds, kFarSeconds) *
          kMicros};
}

std::string ZoneFile(const std::string& name) {
  const char* folder = std::getenv("TZDIR");
  return std::string(folder == nullptr ? "/usr/share/zoneinfo" : folder) + "/" + name;
}

}  // namespace

struct TimeZone::Known {
  const date::time_zone* zone = nullptr;
  std::optional<ZoneRule> rule;  // for the time from `listed` on
  WallTime listed;               // the last change that the data list

  [[nodiscard]] bool ByRule(WallTime time) const { return rule && time >= listed; }
};

Result<TimeZone> TimeZone::Find(const std::string& name) {
  static std::mutex mutex;
  static std::map<std::string, Known> all;  // guarded by mutex
  try {
    const date::time_zone* const zone = date::locate_zone(name);
    const std::lock_guard lock(mutex);
    const auto [known, first] = all.try_emplace(zone->name(), Known{zone, {}, {}});
    if (first) {
      known->second.rule = ZoneRule::Read(ZoneFile(zone->name()));
      const date::sys_seconds far{std::chrono::seconds(kFarSeconds)};
      known->second.listed = Bounded(zone->get_info(far).begin);
    }
    return TimeZone(&known->second);
  } catch (const std::exception&) {
    std::vector<std::string> names;
    try {
      for (const date::time_zone& zone : date::get_tzdb().zones) names.push_back(zone.name());
    } catch (const std::exception&) {
      return Error::Environment("the time zone data of this machine cannot be read",
                                "install the package tzdata");
    }
    std::string hint = DidYouMean(name, names);
    if (hint.empty()) hint = "use a name such as Europe/Berlin, Asia/Shanghai or UTC";
    return Error::Invalid(fmt::format("unknown time zone '{}'", name), hint);
  }
}

LocalTime TimeZone::ToLocal(WallTime time) const {
  const auto instant = date::floor<std::chrono::seconds>(date::sys_time<Micros>(Micros(time.us)));
  const std::chrono::seconds offset(PeriodAt(time).offset_us / kMicros);
  const date::local_seconds local(instant.time_since_epoch() + offset);
  const auto days = date::floor<date::days>(local);
  const date::year_month_day day(days);
  const date::hh_mm_ss clock(local - days);
  return {int(day.year()),
          static_cast<int>(unsigned(day.month())),
          static_cast<int>(unsigned(day.day())),
          static_cast<int>(clock.hours().count()),
          static_cast<int>(clock.minutes().count()),
          static_cast<int>(clock.seconds().count())};
}

SteadyPeriod TimeZone::PeriodAt(WallTime time) const {
  if (zone_->ByRule(time)) return PeriodByRule(time);
  const auto info = zone_->zone->get_info(
      date::floor<std::chrono::seconds>(date::sys_time<Micros>(Micros(time.us))));
  return {Bounded(info.begin), Bounded(info.end), std::int64_t{info.offset.count()} * kMicros};
}

SteadyPeriod TimeZone::PeriodByRule(WallTime time) const {
  const std::vector<ZoneRule::Change> changes = zone_->rule->ChangesAround(time.us / kMicros);
  const auto next = std::ranges::upper_bound(
      changes, time.us, {}, [](const ZoneRule::Change& one) { return one.at_seconds * kMicros; });
  DML_CHECK(next != changes.begin() && next != changes.end(), "an instant lies between changes");
  const ZoneRule::Change& last = *std::prev(next);
  return {{last.at_seconds * kMicros}, {next->at_seconds * kMicros}, last.offset_seconds * kMicros};
}

// Every period within two days, asked whether it has this local time.
Instants TimeZone::InstantsByRule(const LocalTime& local) const {
  constexpr std::int64_t kTwoDays = 2 * 86'400 * kMicros;
  const WallTime as_utc = ToWall(date::sys_seconds(ToDate(local).time_since_epoch()));
  Instants out;
  SteadyPeriod period = PeriodAt({as_utc.us - kTwoDays});
  while (true) {
    const WallTime there{as_utc.us - period.offset_us};
    if (there >= period.begin && there < period.end) out.times.push_back(there);
    // Too late for this period and too early for the next: the gap between them.
    const SteadyPeriod next = PeriodAt(period.end);
    if (there >= period.end && as_utc.us - next.offset_us < next.begin.us) {
      out.gap_end = next.begin;
    }
    if (next.begin.us > as_utc.us + kTwoDays) break;
    period = next;
  }
  if (!out.times.empty()) out.gap_end = {};
  return out;
}

Instants TimeZone::ToInstants(const LocalTime& local) const {
  const date::local_seconds time = ToDate(local);
  constexpr std::int64_t kDayMicros = 86'400 * kMicros;
  const WallTime as_utc = ToWall(date::sys_seconds(time.time_since_epoch()));
  if (zone_->ByRule({as_utc.us + kDayMicros})) return InstantsByRule(local);
  const date::local_info info = zone_->zone->get_info(time);
  const auto at = [&](const date::sys_info& part) {
    return ToWall(date::sys_seconds(time.time_since_epoch() - part.offset));
  };
  if (info.result == date::local_info::nonexistent) return {{}, ToWall(info.second.begin)};
  if (info.result == date::local_info::ambiguous) return {{at(info.first), at(info.second)}, {}};
  return {{at(info.first)}, {}};
}

std::string TimeZone::name() const { return zone_->zone->name(); }

int WeekdayOf(int year, int month, int day) {
  const date::weekday weekday(date::local_days(FromParts(year, month, day)));
  return static_cast<int>(weekday.c_encoding());
}

int DaysInMonth(int year, int month) {
  const date::year_month_day_last last =
      date::year(year) / date::month(static_cast<unsigned>(month)) / date::last;
  return static_cast<int>(unsigned(last.day()));
}

std::int64_t DaysSinceEpoch(int year, int month, int day) {
  return date::local_days(FromParts(year, month, day)).time_since_epoch().count();
}

LocalTime NextDay(const LocalTime& local) {
  const date::year_month_day next(date::local_days(FromParts(local.year, local.month, local.day)) +
                                  date::days(1));
  LocalTime out = local;
  out.year = int(next.year());
  out.month = static_cast<int>(unsigned(next.month()));
  out.day = static_cast<int>(unsigned(next.day()));
  return out;
}

}  // namespace dml::schedule

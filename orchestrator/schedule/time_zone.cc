#include "orchestrator/schedule/time_zone.h"

#include <date/tz.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <exception>

#include "base/suggest.h"

namespace dml::schedule {

namespace {

using Micros = std::chrono::microseconds;

const date::time_zone& Zone(const void* zone) { return *static_cast<const date::time_zone*>(zone); }

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

}  // namespace

Result<TimeZone> TimeZone::Find(const std::string& name) {
  try {
    return TimeZone(date::locate_zone(name));
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
  const auto local = Zone(zone_).to_local(instant);
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
  // The first and the last period of a zone have ends that would not fit.
  constexpr std::int64_t kFarSeconds = 1'000'000'000'000;
  const auto at = [=](date::sys_seconds end) {
    const std::int64_t seconds = end.time_since_epoch().count();
    return WallTime{std::clamp(seconds, -kFarSeconds, kFarSeconds) * 1'000'000};
  };
  const auto info = Zone(zone_).get_info(
      date::floor<std::chrono::seconds>(date::sys_time<Micros>(Micros(time.us))));
  return {at(info.begin), at(info.end), std::int64_t{info.offset.count()} * 1'000'000};
}

Instants TimeZone::ToInstants(const LocalTime& local) const {
  const date::local_seconds time = ToDate(local);
  const date::local_info info = Zone(zone_).get_info(time);
  const auto at = [&](const date::sys_info& part) {
    return ToWall(date::sys_seconds(time.time_since_epoch() - part.offset));
  };
  if (info.result == date::local_info::nonexistent) return {{}, ToWall(info.second.begin)};
  if (info.result == date::local_info::ambiguous) return {{at(info.first), at(info.second)}, {}};
  return {{at(info.first)}, {}};
}

std::string TimeZone::name() const { return Zone(zone_).name(); }

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

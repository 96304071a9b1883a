#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace dml::schedule {

// A civil date and time of day, without a zone.
struct LocalTime {
  int year = 1970;
  int month = 1;  // 1-12
  int day = 1;    // 1-31
  int hour = 0;
  int minute = 0;
  int second = 0;
};

// The instants that carry one local time: none in the gap when clocks go forward, two when they go
// back, else one.
struct Instants {
  std::vector<WallTime> times;  // ascending
  WallTime gap_end;             // when there are none: the first instant after the gap
};

// A time during which the clocks are not changed.
struct SteadyPeriod {
  WallTime begin;
  WallTime end;                // exclusive
  std::int64_t offset_us = 0;  // local minus UTC
};

// An IANA time zone. Cheap to copy, thread-safe; the zone data are the operating system's. After
// the last change of clocks that these list, their rule for all later years holds.
class TimeZone {
 public:
  // "Europe/Berlin", "UTC"; kInvalid with did-you-mean for a name nobody knows.
  static Result<TimeZone> Find(const std::string& name);

  [[nodiscard]] LocalTime ToLocal(WallTime time) const;
  // Around `time`.
  [[nodiscard]] SteadyPeriod PeriodAt(WallTime time) const;
  [[nodiscard]] Instants ToInstants(const LocalTime& local) const;
  [[nodiscard]] std::string name() const;

 private:
  struct Known;
  explicit TimeZone(const Known* zone) : zone_(zone) {}
  [[nodiscard]] SteadyPeriod PeriodByRule(WallTime time) const;
  [[nodiscard]] Instants InstantsByRule(const LocalTime& local) const;

  const Known* zone_;  // lives as long as the process
};

// 0-6, Sunday 0.
[[nodiscard]] int WeekdayOf(int year, int month, int day);
[[nodiscard]] int DaysInMonth(int year, int month);
[[nodiscard]] std::int64_t DaysSinceEpoch(int year, int month, int day);
// The day after; time of day is kept.
[[nodiscard]] LocalTime NextDay(const LocalTime& local);

}  // namespace dml::schedule

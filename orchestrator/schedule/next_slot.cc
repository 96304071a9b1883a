#include "orchestrator/schedule/next_slot.h"

#include <algorithm>
#include <bitset>

namespace dml::schedule {

namespace {

// Two full cycles of 29 February falling on a given weekday, even across a skipped leap year.
constexpr int kDaysSearchedMax = 40 * 366;
// No zone moves its clocks by more than this in one step of practical interest.
constexpr int kShiftHoursMax = 3;

// Collects the earliest instant after a bound.
class Earliest {
 public:
  explicit Earliest(WallTime after) : after_(after) {}

  void Offer(WallTime time) {
    if (time > after_ && (!best_ || time < *best_)) best_ = time;
  }
  [[nodiscard]] std::optional<WallTime> best() const { return best_; }

 private:
  WallTime after_;
  std::optional<WallTime> best_;
};

// Clocks change at whole minutes, so that all seconds of a minute share its fate.
void OfferMinute(const CronExpression& cron, const TimeZone& zone, const LocalTime& minute,
                 Earliest& earliest) {
  const Instants instants = zone.ToInstants(minute);
  if (instants.times.empty()) {
    // With `*` hours the hour right after the gap brings its own slot.
    if (!cron.every_hour()) earliest.Offer(instants.gap_end);
    return;
  }
  for (std::size_t second = 0; second < 60; ++second) {
    if (!cron.seconds()[second]) continue;
    const std::int64_t us = static_cast<std::int64_t>(second) * 1'000'000;
    earliest.Offer({instants.times.front().us + us});
    if (cron.every_hour()) earliest.Offer({instants.times.back().us + us});
  }
}

void OfferHour(const CronExpression& cron, const TimeZone& zone, LocalTime local,
               Earliest& earliest) {
  local.second = 0;
  for (local.minute = 0; local.minute < 60; ++local.minute) {
    if (!cron.minutes()[static_cast<std::size_t>(local.minute)]) continue;
    OfferMinute(cron, zone, local, earliest);
  }
}

// The earliest slot of one local day. Local and real order differ only around a shift, so hours are
// read from a little before the bound until a little past the first find.
void OfferDay(const CronExpression& cron, const TimeZone& zone, LocalTime day, int first_hour,
              Earliest& earliest) {
  int found_at = 24;
  for (day.hour = std::max(0, first_hour); day.hour < 24; ++day.hour) {
    if (day.hour > found_at + kShiftHoursMax) return;
    if (!cron.hours()[static_cast<std::size_t>(day.hour)]) continue;
    OfferHour(cron, zone, day, earliest);
    if (earliest.best() && found_at == 24) found_at = day.hour;
  }
}

template <std::size_t N>
std::optional<int> NextIn(const std::bitset<N>& values, int from) {
  for (auto value = static_cast<std::size_t>(from); value < N; ++value) {
    if (values[value]) return static_cast<int>(value);
  }
  return std::nullopt;
}

// The first time of day at or after that of `local`, which is set to it; false if none is left.
bool AdvanceInDay(const CronExpression& cron, LocalTime& local) {
  for (; local.hour < 24; ++local.hour, local.minute = 0, local.second = 0) {
    if (!cron.hours()[static_cast<std::size_t>(local.hour)]) continue;
    for (; local.minute < 60; ++local.minute, local.second = 0) {
      if (!cron.minutes()[static_cast<std::size_t>(local.minute)]) continue;
      if (const auto second = NextIn(cron.seconds(), local.second)) {
        local.second = *second;
        return true;
      }
    }
  }
  return false;
}

std::int64_t MicrosOf(const LocalTime& local) {
  const std::int64_t seconds = DaysSinceEpoch(local.year, local.month, local.day) * 86'400 +
                               local.hour * 3600 + local.minute * 60 + local.second;
  return seconds * 1'000'000;
}

// Where no clock is changed between a shift before `after` and a shift after the slot, local and
// real time differ by a constant and nothing has to be weighed: most slots, and fast.
std::optional<WallTime> NextInPeriod(const CronExpression& cron, const TimeZone& zone,
                                     WallTime after) {
  constexpr std::int64_t kShiftUs = kShiftHoursMax * 3'600'000'000LL;
  const SteadyPeriod period = zone.PeriodAt(after);
  if (after.us < period.begin.us + kShiftUs) return std::nullopt;
  const std::int64_t limit_us = period.end.us - kShiftUs;
  LocalTime local = zone.ToLocal({after.us + 1'000'000});
  for (int i = 0; i < kDaysSearchedMax; ++i) {
    const int weekday = WeekdayOf(local.year, local.month, local.day);
    if (cron.MatchesDay(local.month, local.day, weekday, DaysInMonth(local.year, local.month)) &&
        AdvanceInDay(cron, local)) {
      const WallTime slot{MicrosOf(local) - period.offset_us};
      return slot.us < limit_us ? std::optional(slot) : std::nullopt;
    }
    local = NextDay(local);
    local.hour = local.minute = local.second = 0;
    if (MicrosOf(local) - period.offset_us >= limit_us) return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace

std::optional<WallTime> NextSlot(const CronExpression& cron, const TimeZone& zone, WallTime after) {
  if (const auto simple = NextInPeriod(cron, zone, after)) return simple;
  Earliest earliest(after);
  // Start a shift early: after a backward step the local clock reads less than it did.
  LocalTime day = zone.ToLocal({after.us - kShiftHoursMax * 3'600'000'000LL});
  int first_hour = day.hour;
  int days_after_find = 0;
  for (int i = 0; i < kDaysSearchedMax && days_after_find < 2; ++i) {
    if (earliest.best()) ++days_after_find;
    const int weekday = WeekdayOf(day.year, day.month, day.day);
    if (cron.MatchesDay(day.month, day.day, weekday, DaysInMonth(day.year, day.month))) {
      OfferDay(cron, zone, day, first_hour, earliest);
    }
    day = NextDay(day);
    first_hour = 0;
  }
  return earliest.best();
}

}  // namespace dml::schedule

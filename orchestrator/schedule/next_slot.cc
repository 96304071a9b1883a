#include "orchestrator/schedule/next_slot.h"

#include <algorithm>

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

void OfferLocal(const CronExpression& cron, const TimeZone& zone, const LocalTime& local,
                Earliest& earliest) {
  const Instants instants = zone.ToInstants(local);
  if (instants.times.empty()) {
    // With `*` hours the hour right after the gap brings its own slot.
    if (!cron.every_hour()) earliest.Offer(instants.gap_end);
    return;
  }
  earliest.Offer(instants.times.front());
  if (cron.every_hour()) earliest.Offer(instants.times.back());
}

void OfferHour(const CronExpression& cron, const TimeZone& zone, LocalTime local,
               Earliest& earliest) {
  for (local.minute = 0; local.minute < 60; ++local.minute) {
    if (!cron.minutes()[static_cast<std::size_t>(local.minute)]) continue;
    for (local.second = 0; local.second < 60; ++local.second) {
      if (!cron.seconds()[static_cast<std::size_t>(local.second)]) continue;
      OfferLocal(cron, zone, local, earliest);
    }
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

}  // namespace

std::optional<WallTime> NextSlot(const CronExpression& cron, const TimeZone& zone, WallTime after) {
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

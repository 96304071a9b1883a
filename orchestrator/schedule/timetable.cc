#include "orchestrator/schedule/timetable.h"

#include "base/quantity.h"
#include "orchestrator/schedule/next_slot.h"

namespace dml::schedule {

Timetable Timetable::Cron(CronExpression cron, TimeZone zone) {
  return Timetable(std::move(cron), zone);
}

Timetable Timetable::Every(Duration interval, TimeZone zone) {
  DML_CHECK(interval.ns >= 1'000'000'000, "an interval has a second or more");
  return Timetable(interval, zone);
}

std::optional<WallTime> Timetable::Next(WallTime after) const {
  if (const auto* cron = std::get_if<CronExpression>(&rule_)) return NextSlot(*cron, zone_, after);
  const std::int64_t step_us = std::get<Duration>(rule_).ns / 1000;
  const std::int64_t past = after.us >= 0 ? after.us / step_us : -((-after.us - 1) / step_us) - 1;
  return WallTime{(past + 1) * step_us};
}

std::optional<WallTime> Timetable::Latest(WallTime until) const {
  constexpr std::int64_t kBackMaxUs = 8LL * 366 * 86'400 * 1'000'000;
  // Doubling the way back keeps the walk forward short: at most about twice the last interval.
  for (std::int64_t back = 1'000'000; back <= 2 * kBackMaxUs; back *= 2) {
    std::optional<WallTime> latest;
    for (auto next = Next({until.us - back}); next && *next <= until; next = Next(*next)) {
      latest = next;
    }
    if (latest) return latest;
  }
  return std::nullopt;
}

std::string Timetable::Text() const {
  if (const auto* cron = std::get_if<CronExpression>(&rule_)) return cron->text();
  return "every " + FormatDuration(std::get<Duration>(rule_));
}

}  // namespace dml::schedule

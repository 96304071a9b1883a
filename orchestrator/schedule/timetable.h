#pragma once

#include <optional>
#include <string>
#include <variant>

#include "base/clock.h"
#include "base/result.h"
#include "orchestrator/schedule/cron_expression.h"
#include "orchestrator/schedule/time_zone.h"

namespace dml::schedule {

// When the slots are: a cron expression in a time zone, or a fixed interval counted from
// 1970-01-01 00:00 UTC. A value; thread-safe.
class Timetable {
 public:
  static Timetable Cron(CronExpression cron, TimeZone zone);
  // `interval` of a second or more.
  static Timetable Every(Duration interval, TimeZone zone);

  // The first slot strictly after `after`; nothing if none comes within forty years.
  [[nodiscard]] std::optional<WallTime> Next(WallTime after) const;
  // The last slot at or before `until`; nothing if there was none within eight years.
  [[nodiscard]] std::optional<WallTime> Latest(WallTime until) const;
  [[nodiscard]] const TimeZone& zone() const { return zone_; }
  // The cron text, or "every 6h00m".
  [[nodiscard]] std::string Text() const;

 private:
  Timetable(std::variant<CronExpression, Duration> rule, TimeZone zone)
      : rule_(std::move(rule)), zone_(zone) {}
  std::variant<CronExpression, Duration> rule_;
  TimeZone zone_;
};

}  // namespace dml::schedule

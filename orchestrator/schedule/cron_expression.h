#pragma once

#include <bitset>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace dml::schedule {

// A cron expression as sets of field values. Five fields (minute hour day-of-month month
// day-of-week) or six with seconds in front; names (JAN, MON), lists, ranges, steps, `L` (last day,
// `L-2`, `5L` the last Friday), `#` (`MON#2` the second Monday), and @yearly @annually @monthly
// @weekly @daily @midnight @hourly. Sunday is 0 and 7. As in Vixie cron, a day matches if either
// day field matches when both are restricted, where restricted means: does not start with `*`.
// An immutable value.
class CronExpression {
 public:
  static Result<CronExpression> Parse(std::string_view text);

  // `month` 1-12, `day` 1-31, `weekday` 0-6 with Sunday 0, `days_in_month` 28-31.
  [[nodiscard]] bool MatchesDay(int month, int day, int weekday, int days_in_month) const;
  [[nodiscard]] const std::bitset<60>& seconds() const { return seconds_; }
  [[nodiscard]] const std::bitset<60>& minutes() const { return minutes_; }
  [[nodiscard]] const std::bitset<24>& hours() const { return hours_; }
  // The hour field is `*` or `*/n`: it means real hours, so a repeated hour counts twice.
  [[nodiscard]] bool every_hour() const { return hour_wildcard_; }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  struct NthWeekday {
    int weekday = 0;
    int nth = 0;  // 1-5, or -1 for the last
  };
  friend class CronParser;

  [[nodiscard]] bool MatchesDayOfMonth(int day, int days_in_month) const;
  [[nodiscard]] bool MatchesWeekday(int day, int weekday, int days_in_month) const;

  std::string text_;
  std::bitset<60> seconds_;
  std::bitset<60> minutes_;
  std::bitset<24> hours_;
  std::bitset<32> days_;
  std::vector<int> days_before_last_;  // 0 is the last day of the month
  std::bitset<13> months_;
  std::bitset<7> weekdays_;
  std::vector<NthWeekday> nth_weekdays_;
  bool day_wildcard_ = false;
  bool weekday_wildcard_ = false;
  bool hour_wildcard_ = false;
};

}  // namespace dml::schedule

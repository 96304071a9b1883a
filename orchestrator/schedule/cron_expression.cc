#include "orchestrator/schedule/cron_expression.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <optional>
#include <span>

#include "base/counted.h"

namespace dml::schedule {

namespace {

constexpr std::array<std::string_view, 12> kMonths{"JAN", "FEB", "MAR", "APR", "MAY", "JUN",
                                                   "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"};
constexpr std::array<std::string_view, 7> kWeekdays{"SUN", "MON", "TUE", "WED",
                                                    "THU", "FRI", "SAT"};

struct Nickname {
  std::string_view name;
  std::string_view meaning;
};
constexpr std::array<Nickname, 7> kNicknames{{{"@yearly", "0 0 1 1 *"},
                                              {"@annually", "0 0 1 1 *"},
                                              {"@monthly", "0 0 1 * *"},
                                              {"@weekly", "0 0 * * 0"},
                                              {"@daily", "0 0 * * *"},
                                              {"@midnight", "0 0 * * *"},
                                              {"@hourly", "0 * * * *"}}};

// The days of a month that exist in some year: catches "0 0 30 2 *", which would never run.
constexpr std::array<int, 13> kLongestMonth{0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

struct FieldRule {
  std::string_view name;
  int lowest;
  int highest;
  std::span<const std::string_view> names;  // of `lowest`, `lowest` + 1, ...
};

constexpr FieldRule kSecond{"second", 0, 59, {}};
constexpr FieldRule kMinute{"minute", 0, 59, {}};
constexpr FieldRule kHour{"hour", 0, 23, {}};
constexpr FieldRule kDay{"day of month", 1, 31, {}};
constexpr FieldRule kMonth{"month", 1, 12, kMonths};
constexpr FieldRule kWeekday{"day of week", 0, 7, kWeekdays};

std::string Upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return out;
}

std::vector<std::string> Split(std::string_view text, char separator, bool keep_empty) {
  std::vector<std::string> parts(1);
  for (const char c : text) {
    const bool ends =
        separator == ' ' ? std::isspace(static_cast<unsigned char>(c)) != 0 : c == separator;
    if (!ends) {
      parts.back() += c;
    } else if (keep_empty || !parts.back().empty()) {
      parts.emplace_back();
    }
  }
  if (!keep_empty && parts.back().empty()) parts.pop_back();
  return parts;
}

std::optional<int> Number(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  return whole && !text.empty() && value >= 0 ? std::optional<int>(value) : std::nullopt;
}

Error Bad(const FieldRule& rule, std::string_view item, std::string_view why) {
  return Error::Invalid(
      fmt::format("in the {} field, '{}' {}", rule.name, item, why),
      fmt::format("values from {} to {}, with , - / and *", rule.lowest, rule.highest));
}

Result<int> Value(const FieldRule& rule, std::string_view text, std::string_view item) {
  const auto named = std::ranges::find(rule.names, text);
  if (named != rule.names.end()) return rule.lowest + static_cast<int>(named - rule.names.begin());
  const std::optional<int> number = Number(text);
  if (!number) return Bad(rule, item, "is not a value, range or step");
  if (*number < rule.lowest || *number > rule.highest) return Bad(rule, item, "is out of range");
  return *number;
}

// "FRI-SUN" -> "FRI-SAT,SUN": what somebody means who counts on past the end.
std::string Unrolled(const FieldRule& rule, std::string_view range, int first, int last, int top) {
  const bool named = !Number(range.substr(0, range.find('-')));
  const auto text = [&](int value) {
    const auto index = static_cast<std::size_t>(value - rule.lowest);
    return named ? std::string(rule.names[index]) : std::to_string(value);
  };
  const auto span = [&](int from, int to) {
    return from == to ? text(from) : text(from) + "-" + text(to);
  };
  // Sunday may be 7, which is before Monday.
  if (first > top) return span(rule.lowest, last);
  return span(first, top) + "," + span(rule.lowest, last);
}

// One item of a list: "*", "5", "1-5", each with an optional "/step". "5/10" means "5-highest/10".
Result<std::vector<int>> Expand(const FieldRule& rule, std::string_view item) {
  std::string_view range = item;
  int step = 1;
  const std::size_t slash = item.find('/');
  if (slash != std::string_view::npos) {
    const std::optional<int> number = Number(item.substr(slash + 1));
    if (!number || *number == 0) return Bad(rule, item, "has no step above zero");
    step = *number;
    range = item.substr(0, slash);
  }
  int first = rule.lowest;
  const int top = rule.names.data() == kWeekdays.data() ? 6 : rule.highest;
  int last = top;
  if (range != "*") {
    const std::size_t dash = range.find('-');
    DML_TRY(first, Value(rule, range.substr(0, dash), item));
    if (dash != std::string_view::npos) {
      DML_TRY(last, Value(rule, range.substr(dash + 1), item));
    } else if (slash == std::string_view::npos) {
      last = first;
    }
  }
  if (first > last) {
    Error error = Bad(rule, item, "runs backwards");
    error.hint = "write " + Unrolled(rule, range, first, last, top);
    return error;
  }
  // "*/90" reads like every ninety minutes and would be every hour.
  if (step > rule.highest - rule.lowest) {
    Error error = Bad(rule, item, "has a step that is longer than the field");
    error.hint = fmt::format("each {} field begins anew at {}: write {} if that is meant",
                             rule.name, rule.lowest, first);
    return error;
  }
  std::vector<int> values;
  for (int value = first; value <= last; value += step) values.push_back(value);
  return values;
}

template <std::size_t N>
Result<void> Fill(const FieldRule& rule, const std::string& field, std::bitset<N>& out) {
  for (const std::string& item : Split(field, ',', true)) {
    DML_TRY(const std::vector<int> values, Expand(rule, item));
    for (const int value : values) out.set(static_cast<std::size_t>(value));
  }
  return {};
}

}  // namespace

// Fills an expression field by field; a friend, so that a finished expression has no setters.
class CronParser {
 public:
  static Result<void> DaysOfMonth(const std::string& field, CronExpression& out) {
    for (const std::string& item : Split(field, ',', true)) {
      if (item.starts_with("L")) {
        const std::optional<int> before = item == "L" ? 0 : Number(item.substr(2));
        if (!before || *before > 30 || (item != "L" && item[1] != '-')) {
          return Bad(kDay, item, "is not L or L-n");
        }
        out.days_before_last_.push_back(*before);
        continue;
      }
      DML_RETURN_IF_ERROR(Fill(kDay, item, out.days_));
    }
    return {};
  }

  static Result<void> Weekdays(const std::string& field, CronExpression& out) {
    for (const std::string& item : Split(field, ',', true)) {
      const std::size_t hash = item.find('#');
      const bool last = item.size() > 1 && item.ends_with('L');
      if (hash == std::string::npos && !last) {
        std::bitset<8> days;
        DML_RETURN_IF_ERROR(Fill(kWeekday, item, days));
        for (std::size_t day = 0; day < days.size(); ++day) {
          if (days[day]) out.weekdays_.set(day % 7);
        }
        continue;
      }
      const std::string day = item.substr(0, last ? item.size() - 1 : hash);
      const std::optional<int> nth = last ? -1 : Number(item.substr(hash + 1));
      if (!nth || *nth == 0 || *nth > 5) return Bad(kWeekday, item, "is not day#1 to day#5");
      DML_TRY(const int weekday, Value(kWeekday, day, item));
      out.nth_weekdays_.push_back({weekday % 7, *nth});
    }
    return {};
  }

  // A calendar date that never comes is a mistake to report now, not to wait for.
  static Result<void> CheckReachable(const CronExpression& cron) {
    if (!cron.weekday_wildcard_) return {};
    for (std::size_t month = 1; month <= 12; ++month) {
      for (int day = 1; cron.months_[month] && day <= kLongestMonth[month]; ++day) {
        if (cron.days_[static_cast<std::size_t>(day)]) return {};
      }
      const auto comes = [&](int before) { return before < kLongestMonth[month]; };
      if (cron.months_[month] && std::ranges::any_of(cron.days_before_last_, comes)) return {};
    }
    return Error::Invalid(fmt::format("'{}' never comes", cron.text_),
                          "no month listed has the days listed");
  }

  static Result<CronExpression> Parse(std::string_view text) {
    CronExpression cron;
    std::vector<std::string> fields = Split(Upper(text), ' ', false);
    cron.text_ = fmt::format("{}", fmt::join(Split(text, ' ', false), " "));
    if (fields.size() == 5) fields.insert(fields.begin(), "0");
    if (fields.size() != 6) {
      return Error::Invalid(
          fmt::format("'{}' has {} where 5 or 6 are needed", text, Counted(fields.size(), "field")),
          "minute hour day-of-month month day-of-week, such as '0 2 * * MON-FRI'");
    }
    // Day fields know `?` from other crons: no opinion.
    std::ranges::replace(fields, std::string("?"), std::string("*"));
    cron.hour_wildcard_ = fields[2].starts_with('*');
    cron.day_wildcard_ = fields[3].starts_with('*');
    cron.weekday_wildcard_ = fields[5].starts_with('*');
    DML_RETURN_IF_ERROR(Fill(kSecond, fields[0], cron.seconds_));
    DML_RETURN_IF_ERROR(Fill(kMinute, fields[1], cron.minutes_));
    DML_RETURN_IF_ERROR(Fill(kHour, fields[2], cron.hours_));
    DML_RETURN_IF_ERROR(DaysOfMonth(fields[3], cron));
    DML_RETURN_IF_ERROR(Fill(kMonth, fields[4], cron.months_));
    DML_RETURN_IF_ERROR(Weekdays(fields[5], cron));
    DML_RETURN_IF_ERROR(CheckReachable(cron));
    return cron;
  }
};

Result<CronExpression> CronExpression::Parse(std::string_view text) {
  for (const Nickname& nickname : kNicknames) {
    if (nickname.name != text) continue;
    DML_TRY(CronExpression cron, CronParser::Parse(nickname.meaning));
    cron.text_ = text;
    return cron;
  }
  if (text.starts_with('@')) {
    return Error::Invalid(fmt::format("unknown schedule '{}'", text),
                          "one of @yearly, @monthly, @weekly, @daily, @hourly");
  }
  return CronParser::Parse(text);
}

bool CronExpression::MatchesDayOfMonth(int day, int days_in_month) const {
  if (days_[static_cast<std::size_t>(day)]) return true;
  return std::ranges::any_of(days_before_last_,
                             [&](int before) { return day == days_in_month - before; });
}

bool CronExpression::MatchesWeekday(int day, int weekday, int days_in_month) const {
  if (weekdays_[static_cast<std::size_t>(weekday)]) return true;
  return std::ranges::any_of(nth_weekdays_, [&](const NthWeekday& rule) {
    if (rule.weekday != weekday) return false;
    return rule.nth < 0 ? day + 7 > days_in_month : (day - 1) / 7 + 1 == rule.nth;
  });
}

bool CronExpression::MatchesDay(int month, int day, int weekday, int days_in_month) const {
  if (!months_[static_cast<std::size_t>(month)]) return false;
  const bool by_day = MatchesDayOfMonth(day, days_in_month);
  const bool by_weekday = MatchesWeekday(day, weekday, days_in_month);
  return day_wildcard_ || weekday_wildcard_ ? by_day && by_weekday : by_day || by_weekday;
}

}  // namespace dml::schedule

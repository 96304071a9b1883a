#include "plugins/table/civil_time.h"

#include <fmt/format.h>

#include <array>

namespace dml::table {

namespace {

constexpr std::array<unsigned, 12> kMonthDays{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
constexpr std::array<std::string_view, 12> kMonths{"jan", "feb", "mar", "apr", "may", "jun",
                                                   "jul", "aug", "sep", "oct", "nov", "dec"};

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

bool IsLeap(std::int64_t year) { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); }

struct Moment {
  std::int64_t year = 1970;
  unsigned month = 1;
  unsigned day = 1;
  unsigned hour = 0;
  unsigned minute = 0;
  unsigned second = 0;
  unsigned micros = 0;
  int offset_minutes = 0;
};

std::optional<std::int64_t> ToMicros(const Moment& at) {
  if (at.month < 1 || at.month > 12 || at.hour > 23 || at.minute > 59 || at.second > 59) {
    return std::nullopt;
  }
  const unsigned days = kMonthDays[at.month - 1] + (at.month == 2 && IsLeap(at.year) ? 1 : 0);
  if (at.day < 1 || at.day > days) return std::nullopt;
  const std::int64_t seconds =
      std::int64_t{at.hour} * 3600 + at.minute * 60 + at.second - at.offset_minutes * 60;
  return DaysFromCivil(at.year, at.month, at.day) * kMicrosPerDay + seconds * kMicrosPerSecond +
         at.micros;
}

// Reads fields off the front of a text.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : rest_(text) {}

  [[nodiscard]] bool empty() const { return rest_.empty(); }
  [[nodiscard]] char front() const { return rest_.empty() ? '\0' : rest_.front(); }
  [[nodiscard]] std::string_view rest() const { return rest_; }
  void Skip(std::size_t count) { rest_.remove_prefix(count); }
  bool Eat(char c) {
    if (front() != c || rest_.empty()) return false;
    rest_.remove_prefix(1);
    return true;
  }
  // Between `least` and `most` digits.
  bool Number(std::size_t least, std::size_t most, unsigned& value) {
    std::size_t count = 0;
    value = 0;
    while (count < most && count < rest_.size() && IsDigit(rest_[count])) {
      value = value * 10 + static_cast<unsigned>(rest_[count++] - '0');
    }
    rest_.remove_prefix(count);
    return count >= least;
  }
  // Decimals of a second, all of them: nothing smaller than a microsecond may be left.
  bool Fraction(unsigned& micros) {
    if (!IsDigit(front())) return false;
    micros = 0;
    unsigned scale = 100'000;
    for (; IsDigit(front()); rest_.remove_prefix(1), scale /= 10) {
      if (scale == 0 && rest_.front() != '0') return false;
      micros += static_cast<unsigned>(rest_.front() - '0') * scale;
    }
    return true;
  }

 private:
  std::string_view rest_;
};

bool EatOffset(Cursor& in, Moment& at) {
  if (in.Eat('Z') || in.Eat('z')) return true;
  const int sign = in.front() == '-' ? -1 : 1;
  if (!in.Eat('+') && !in.Eat('-')) return false;
  unsigned hours = 0;
  unsigned minutes = 0;
  if (!in.Number(2, 2, hours) || hours > 15) return false;
  if (in.Eat(':') || !in.empty()) {
    if (!in.Number(2, 2, minutes) || minutes > 59) return false;
  }
  at.offset_minutes = sign * static_cast<int>(hours * 60 + minutes);
  return true;
}

bool EatTimeOfDay(Cursor& in, Moment& at) {
  if (!in.Number(2, 2, at.hour) || !in.Eat(':') || !in.Number(2, 2, at.minute)) return false;
  if (!in.Eat(':')) return true;
  if (!in.Number(2, 2, at.second)) return false;
  return (!in.Eat('.') && !in.Eat(',')) || in.Fraction(at.micros);
}

bool EatMonthName(Cursor& in, Moment& at) {
  if (in.rest().size() < 3) return false;
  std::string name(in.rest().substr(0, 3));
  for (char& c : name) c = static_cast<char>(c | 0x20);
  for (unsigned month = 0; month < kMonths.size(); ++month) {
    if (kMonths[month] != name) continue;
    at.month = month + 1;
    in.Skip(3);
    return true;
  }
  return false;
}

bool EatMeridiem(Cursor& in, bool& afternoon) {
  const char first = static_cast<char>(in.front() | 0x20);
  if ((first != 'a' && first != 'p') || in.rest().size() < 2 || (in.rest()[1] | 0x20) != 'm') {
    return false;
  }
  afternoon = first == 'p';
  in.Skip(2);
  return true;
}

struct FormatState {
  Moment at;
  bool twelve_hours = false;
  bool afternoon = false;
};

bool EatDirective(char directive, Cursor& in, FormatState& state) {
  unsigned number = 0;
  switch (directive) {
    case 'Y':
      if (!in.Number(4, 4, number)) return false;
      state.at.year = number;
      return true;
    case 'y':
      if (!in.Number(2, 2, number)) return false;
      state.at.year = number + (number < 69 ? 2000 : 1900);  // as POSIX strptime
      return true;
    case 'm':
      return in.Number(1, 2, state.at.month);
    case 'd':
      return in.Number(1, 2, state.at.day);
    case 'I':
      state.twelve_hours = true;
      [[fallthrough]];
    case 'H':
      return in.Number(1, 2, state.at.hour);
    case 'M':
      return in.Number(1, 2, state.at.minute);
    case 'S':
      return in.Number(1, 2, state.at.second);
    case 'f':
      return in.Fraction(state.at.micros);
    case 'p':
      return EatMeridiem(in, state.afternoon);
    case 'b':
      return EatMonthName(in, state.at);
    default:
      return in.Eat(directive);
  }
}

}  // namespace

// Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms": eras of 400 years from March.
std::int64_t DaysFromCivil(std::int64_t year, unsigned month, unsigned day) {
  year -= month <= 2 ? 1 : 0;
  const std::int64_t era = (year >= 0 ? year : year - 399) / 400;
  const std::int64_t year_of_era = year - era * 400;
  const std::int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  const std::int64_t day_of_era =
      year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146'097 + day_of_era - 719'468;
}

std::optional<std::int64_t> ParseIsoTimestamp(std::string_view text) {
  Cursor in(text);
  Moment at;
  unsigned year = 0;
  if (!in.Number(4, 4, year) || !in.Eat('-') || !in.Number(2, 2, at.month) || !in.Eat('-') ||
      !in.Number(2, 2, at.day)) {
    return std::nullopt;
  }
  at.year = year;
  if (in.empty()) return ToMicros(at);
  if (!in.Eat(' ') && !in.Eat('T')) return std::nullopt;
  if (!EatTimeOfDay(in, at)) return std::nullopt;
  if (!in.empty() && !EatOffset(in, at)) return std::nullopt;
  return in.empty() ? ToMicros(at) : std::nullopt;
}

std::optional<std::int64_t> ParseTimestamp(std::string_view text, std::string_view format) {
  Cursor in(text);
  FormatState state;
  for (std::size_t i = 0; i < format.size(); ++i) {
    const bool directive = format[i] == '%' && i + 1 < format.size();
    const bool matched = directive ? EatDirective(format[++i], in, state) : in.Eat(format[i]);
    if (!matched) return std::nullopt;
  }
  if (!in.empty()) return std::nullopt;
  if (state.twelve_hours) {
    if (state.at.hour < 1 || state.at.hour > 12) return std::nullopt;
    state.at.hour = state.at.hour % 12 + (state.afternoon ? 12 : 0);
  }
  return ToMicros(state.at);
}

Result<void> CheckTimestampFormat(std::string_view format) {
  constexpr std::string_view kKnown = "YymdHIMSfpb%";
  std::string found;
  for (std::size_t i = format.find('%'); i < format.size(); i = format.find('%', i + 2)) {
    const std::string_view directive = format.substr(i, 2);
    if (directive.size() < 2 || kKnown.find(directive[1]) == std::string_view::npos) {
      return Error::Invalid(
          fmt::format("timestamp_format has the unknown directive '{}'", directive),
          "known are %Y %y %m %b %d %H %I %p %M %S %f and %% for a percent sign");
    }
    if (directive[1] != '%' && found.find(directive[1]) != std::string::npos) {
      return Error::Invalid(fmt::format("timestamp_format has '{}' twice", directive));
    }
    found += directive[1];
  }
  const auto has = [&](std::string_view any) {
    return found.find_first_of(any) != std::string::npos;
  };
  if (!has("Yy") || !has("mb") || !has("d")) {
    return Error::Invalid(fmt::format("timestamp_format says no {}", !has("Yy")   ? "year"
                                                                     : !has("mb") ? "month"
                                                                                  : "day"),
                          "such as \"%d/%m/%Y %H:%M\"");
  }
  if (has("I") != has("p")) {
    return Error::Invalid("timestamp_format needs %I and %p together",
                          "%H is the hour of a day of 24 hours");
  }
  if (has("H") && has("I")) return Error::Invalid("timestamp_format has %H and %I");
  return {};
}

CivilDate CivilFromDays(std::int64_t days) {
  days += 719'468;
  const std::int64_t era = (days >= 0 ? days : days - 146'096) / 146'097;
  const std::int64_t day_of_era = days - era * 146'097;
  const std::int64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const std::int64_t day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::int64_t shifted_month = (5 * day_of_year + 2) / 153;
  const std::int64_t day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
  const std::int64_t month = shifted_month < 10 ? shifted_month + 3 : shifted_month - 9;
  return {year_of_era + era * 400 + (month <= 2 ? 1 : 0), static_cast<unsigned>(month),
          static_cast<unsigned>(day)};
}

std::string FormatTimestamp(std::int64_t micros) {
  std::int64_t days = micros / kMicrosPerDay;
  std::int64_t rest = micros % kMicrosPerDay;
  if (rest < 0) {
    rest += kMicrosPerDay;
    --days;
  }
  const CivilDate date = CivilFromDays(days);

  std::string out = fmt::format("{:04}-{:02}-{:02}", date.year, date.month, date.day);
  if (rest == 0) return out;
  const std::int64_t seconds = rest / kMicrosPerSecond;
  out += fmt::format(" {:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
  if (rest % kMicrosPerSecond != 0) {
    out += fmt::format(".{:06}", rest % kMicrosPerSecond);
    out.erase(out.find_last_not_of('0') + 1);
  }
  return out;
}

}  // namespace dml::table

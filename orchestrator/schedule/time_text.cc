#include "orchestrator/schedule/time_text.h"

#include <fmt/format.h>

#include <cctype>
#include <optional>

namespace dml::schedule {

namespace {

constexpr std::int64_t kSecondUs = 1'000'000;

// Reads a text from the left; every step says whether it found what it wanted.
class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  // Exactly `width` digits.
  bool Number(int width, int low, int high, int& out) {
    if (rest_.size() < static_cast<std::size_t>(width)) return false;
    int value = 0;
    for (int i = 0; i < width; ++i) {
      const char c = rest_[static_cast<std::size_t>(i)];
      if (std::isdigit(static_cast<unsigned char>(c)) == 0) return false;
      value = value * 10 + (c - '0');
    }
    rest_.remove_prefix(static_cast<std::size_t>(width));
    out = value;
    return value >= low && value <= high;
  }
  bool Char(std::string_view any_of) {
    if (rest_.empty() || any_of.find(rest_[0]) == std::string_view::npos) return false;
    last_ = rest_[0];
    rest_.remove_prefix(1);
    return true;
  }
  [[nodiscard]] char last() const { return last_; }
  [[nodiscard]] bool done() const { return rest_.empty(); }

 private:
  std::string_view rest_;
  char last_ = 0;
};

struct Parsed {
  LocalTime local;
  std::optional<int> offset_minutes;
};

bool ReadClock(Reader& reader, LocalTime& local) {
  if (!reader.Number(2, 0, 23, local.hour) || !reader.Char(":") ||
      !reader.Number(2, 0, 59, local.minute)) {
    return false;
  }
  return !reader.Char(":") || reader.Number(2, 0, 59, local.second);
}

bool ReadOffset(Reader& reader, std::optional<int>& out) {
  if (reader.done()) return true;
  if (reader.Char("Zz")) {
    out = 0;
    return reader.done();
  }
  if (!reader.Char("+-")) return false;
  const int sign = reader.last() == '-' ? -1 : 1;
  int hours = 0;
  int minutes = 0;
  if (!reader.Number(2, 0, 23, hours)) return false;
  reader.Char(":");
  if (!reader.Number(2, 0, 59, minutes)) return false;
  out = sign * (hours * 60 + minutes);
  return reader.done();
}

std::optional<Parsed> Read(std::string_view text) {
  Reader reader(text);
  Parsed out;
  LocalTime& local = out.local;
  const bool date = reader.Number(4, 1970, 2999, local.year) && reader.Char("-") &&
                    reader.Number(2, 1, 12, local.month) && reader.Char("-") &&
                    reader.Number(2, 1, 31, local.day);
  if (!date || local.day > DaysInMonth(local.year, local.month)) return std::nullopt;
  if (reader.done()) return out;
  if (!reader.Char("Tt ") || !ReadClock(reader, local)) return std::nullopt;
  if (!ReadOffset(reader, out.offset_minutes)) return std::nullopt;
  return out;
}

// As if the local time were UTC.
std::int64_t Seconds(const LocalTime& local) {
  return DaysSinceEpoch(local.year, local.month, local.day) * 86'400 + local.hour * 3600 +
         local.minute * 60 + local.second;
}

}  // namespace

std::string FormatIn(const TimeZone& zone, WallTime time) {
  const LocalTime local = zone.ToLocal(time);
  const std::int64_t utc =
      time.us >= 0 ? time.us / kSecondUs : (time.us - kSecondUs + 1) / kSecondUs;
  const std::int64_t offset = Seconds(local) - utc;
  std::string suffix = "Z";
  if (offset != 0 || (zone.name() != "UTC" && zone.name() != "Etc/UTC")) {
    const std::int64_t minutes = (offset < 0 ? -offset : offset) / 60;
    suffix = fmt::format("{}{:02}:{:02}", offset < 0 ? '-' : '+', minutes / 60, minutes % 60);
  }
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}{}", local.year, local.month, local.day,
                     local.hour, local.minute, local.second, suffix);
}

Result<WallTime> ParseTime(std::string_view text, const TimeZone& zone) {
  const std::optional<Parsed> parsed = Read(text);
  if (!parsed) {
    return Error::Invalid(fmt::format("'{}' is not a time", text),
                          "such as 2026-11-21, 2026-11-21T02:00 or 2026-11-21T02:00:00Z");
  }
  if (parsed->offset_minutes) {
    return WallTime{(Seconds(parsed->local) - *parsed->offset_minutes * 60) * kSecondUs};
  }
  const Instants instants = zone.ToInstants(parsed->local);
  return instants.times.empty() ? instants.gap_end : instants.times.front();
}

}  // namespace dml::schedule

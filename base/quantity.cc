#include "base/quantity.h"

#include <fmt/format.h>
#include <time.h>

#include <array>
#include <charconv>
#include <cmath>

namespace dml {

namespace {

struct Unit {
  std::string_view name;
  double factor;
};

constexpr std::array<Unit, 6> kTimeUnits{
    {{"ms", 1e6}, {"us", 1e3}, {"s", 1e9}, {"m", 60e9}, {"h", 3600e9}, {"d", 86400e9}}};

constexpr std::array<Unit, 13> kSizeUnits{{{"", 1},
                                           {"B", 1},
                                           {"Ki", 0x1p10},
                                           {"Mi", 0x1p20},
                                           {"Gi", 0x1p30},
                                           {"Ti", 0x1p40},
                                           {"KiB", 0x1p10},
                                           {"MiB", 0x1p20},
                                           {"GiB", 0x1p30},
                                           {"KB", 1e3},
                                           {"MB", 1e6},
                                           {"GB", 1e9},
                                           {"TB", 1e12}}};

constexpr double kLargest = 9.0e18;

// Reads "number unit" off the front of `text`; false if there is none.
bool TakeNumber(std::string_view& text, double& number, std::string_view& unit) {
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (error != std::errc() || !std::isfinite(number) || number < 0) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  std::size_t length = 0;
  while (length < text.size() && std::isalpha(static_cast<unsigned char>(text[length])) != 0) {
    ++length;
  }
  unit = text.substr(0, length);
  text.remove_prefix(length);
  return true;
}

template <std::size_t N>
const Unit* FindUnit(const std::array<Unit, N>& units, std::string_view name) {
  for (const Unit& unit : units) {
    if (unit.name == name) return &unit;
  }
  return nullptr;
}

}  // namespace

Result<Duration> ParseDuration(std::string_view text) {
  const auto invalid = [&] {
    return Error::Invalid(fmt::format("'{}' is not a duration", text),
                          "write a number and a unit, such as 500ms, 30s, 1h30m or 2d");
  };
  std::string_view rest = text;
  if (rest.empty()) return invalid();
  double total = 0;
  while (!rest.empty()) {
    double number = 0;
    std::string_view name;
    if (!TakeNumber(rest, number, name)) return invalid();
    const Unit* unit = FindUnit(kTimeUnits, name);
    if (unit == nullptr) return invalid();
    total += number * unit->factor;
  }
  if (total > kLargest) return invalid();
  return Duration{static_cast<std::int64_t>(total)};
}

std::string FormatDuration(Duration duration) {
  const double s = duration.seconds();
  if (s < 0.0995) return fmt::format("{:.0f}ms", s * 1e3);
  if (s < 9.95) return fmt::format("{:.1f}s", s);
  const auto whole = static_cast<std::int64_t>(std::llround(s));
  if (whole < 60) return fmt::format("{}s", whole);
  if (whole < 3600) return fmt::format("{}m{:02}s", whole / 60, whole % 60);
  if (whole < 86400) return fmt::format("{}h{:02}m", whole / 3600, whole % 3600 / 60);
  return fmt::format("{}d{:02}h", whole / 86400, whole % 86400 / 3600);
}

Result<std::int64_t> ParseSize(std::string_view text) {
  double number = 0;
  std::string_view name;
  std::string_view rest = text;
  const Unit* unit =
      TakeNumber(rest, number, name) && rest.empty() ? FindUnit(kSizeUnits, name) : nullptr;
  if (unit == nullptr || number * unit->factor > kLargest) {
    return Error::Invalid(fmt::format("'{}' is not a size", text),
                          "write a number and a unit, such as 512Mi, 4Gi or 1GB");
  }
  return static_cast<std::int64_t>(number * unit->factor);
}

std::string FormatSize(std::int64_t bytes) {
  static constexpr std::array<std::string_view, 5> kNames{"B", "KiB", "MiB", "GiB", "TiB"};
  double amount = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (std::abs(amount) >= 1024 && unit + 1 < kNames.size()) {
    amount /= 1024;
    ++unit;
  }
  return unit == 0 ? fmt::format("{} B", bytes) : fmt::format("{:.3g} {}", amount, kNames[unit]);
}

std::string FormatUtc(WallTime time) {
  std::int64_t seconds = time.us / 1'000'000;
  std::int64_t micros = time.us % 1'000'000;
  if (micros < 0) {
    micros += 1'000'000;
    --seconds;
  }
  const time_t when = seconds;
  tm parts{};
  gmtime_r(&when, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", parts.tm_year + 1900,
                     parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
                     micros / 1000);
}

}  // namespace dml

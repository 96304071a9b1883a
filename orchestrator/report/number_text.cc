#include "orchestrator/report/number_text.h"

#include <fmt/format.h>

#include <cmath>

namespace dml::report {

std::string NumberText(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  const double size = std::abs(value);
  if (size < 1e15 && value == std::trunc(value)) return fmt::format("{:.0f}", value);
  if (size < 1e-3) return fmt::format("{:.3g}", value);
  if (size < 1) return fmt::format("{:.4f}", value);
  if (size < 1e3) return fmt::format("{:.5g}", value);
  if (size < 1e7) return fmt::format("{:.1f}", value);
  return fmt::format("{:.5g}", value);
}

std::string SignedNumberText(double value) {
  return value > 0 ? fmt::format("+{}", NumberText(value)) : NumberText(value);
}

std::string TickText(double value) {
  const double size = std::abs(value);
  if (size == 0) return "0";
  if (size >= 1e4 && size < 1e6) return fmt::format("{:.4g}k", value / 1e3);
  if (size >= 1e6 && size < 1e9) return fmt::format("{:.4g}M", value / 1e6);
  return fmt::format("{:.4g}", value);
}

std::string CellText(const Json& value) {
  if (value.is_null()) return "-";
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number_integer()) return fmt::format("{}", value.get<std::int64_t>());
  if (value.is_number()) return NumberText(value.get<double>());
  return CanonicalJson(value);
}

std::string SecondsText(double seconds) {
  if (seconds < 0) return "?";
  if (seconds < 0.0995) return fmt::format("{:.0f} ms", seconds * 1e3);
  if (seconds < 9.95) return fmt::format("{:.1f} s", seconds);
  const auto whole = static_cast<long long>(std::llround(seconds));
  if (whole < 60) return fmt::format("{} s", whole);
  if (whole < 3600) return fmt::format("{}m {:02}s", whole / 60, whole % 60);
  return fmt::format("{}h {:02}m", whole / 3600, whole / 60 % 60);
}

}  // namespace dml::report

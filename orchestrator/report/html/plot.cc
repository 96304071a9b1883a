#include "orchestrator/report/html/plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "orchestrator/report/html/escape.h"
#include "orchestrator/report/number_text.h"

namespace dml::report {

namespace {

constexpr double kLeft = 58;
constexpr double kRight = 14;
constexpr double kTop = 10;
constexpr double kBottom = 44;
constexpr std::size_t kColors = 10;

double Step(Range range, int count) {
  const double raw = (range.high - range.low) / count;
  const double power = std::pow(10.0, std::floor(std::log10(raw)));
  const double lead = raw / power;
  return power * (lead < 1.5 ? 1 : lead < 3.5 ? 2 : lead < 7.5 ? 5 : 10);
}

}  // namespace

Range RangeOf(const std::vector<double>& values) {
  Range range{std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity()};
  for (double value : values) {
    if (!std::isfinite(value)) continue;
    range.low = std::min(range.low, value);
    range.high = std::max(range.high, value);
  }
  if (range.low > range.high) return {0, 1};
  // A span too small for its magnitude cannot be divided into ticks in double precision.
  const double size = std::max(std::abs(range.low), std::abs(range.high));
  if (range.high - range.low <= size * 1e-9) {
    const double margin = size == 0 ? 1 : size * 0.1;
    return {range.low - margin, range.high + margin};
  }
  return range;
}

std::vector<double> Ticks(Range range, int count) {
  const double step = Step(range, count);
  std::vector<double> ticks;
  if (!std::isfinite(step) || step <= 0) return {range.low, range.high};
  const double slack = step * 1e-6;
  for (double k = std::ceil((range.low - slack) / step); k * step <= range.high + slack; ++k) {
    ticks.push_back(k * step);
  }
  return ticks;
}

Range Rounded(Range range, int count) {
  const double step = Step(range, count);
  if (!std::isfinite(step) || step <= 0) return range;
  const double slack = 1e-6;
  return {std::floor(range.low / step + slack) * step, std::ceil(range.high / step - slack) * step};
}

Plot::Plot(Svg& svg, Range x, Range y, const std::string& x_label, const std::string& y_label)
    : x_(x), y_(y) {
  const double bottom = kHeight - kBottom;
  const double right = kWidth - kRight;
  svg.Open("axes");
  for (double tick : Ticks(x_, 6)) {
    svg.Line(X(tick), kTop, X(tick), bottom, "grid");
    svg.Text(X(tick), bottom + 16, TickText(tick), "tick", Anchor::kMiddle);
  }
  for (double tick : Ticks(y_, 5)) {
    svg.Line(kLeft, Y(tick), right, Y(tick), "grid");
    svg.Text(kLeft - 7, Y(tick) + 4, TickText(tick), "tick", Anchor::kEnd);
  }
  svg.Line(kLeft, bottom, right, bottom, "axis");
  svg.Line(kLeft, kTop, kLeft, bottom, "axis");
  svg.Text((kLeft + right) / 2, kHeight - 8, Shorten(x_label, 60), "label", Anchor::kMiddle);
  svg.VerticalText(13, (kTop + bottom) / 2, Shorten(y_label, 40), "label");
  svg.Close();
}

double Plot::X(double value) const {
  return kLeft + (value - x_.low) / (x_.high - x_.low) * (kWidth - kLeft - kRight);
}

double Plot::Y(double value) const {
  return kHeight - kBottom - (value - y_.low) / (y_.high - y_.low) * (kHeight - kTop - kBottom);
}

std::string LegendHtml(const std::vector<std::string>& names) {
  if (names.empty() || (names.size() == 1 && names.front().empty())) return {};
  std::string out = "<div class=\"legend\">";
  for (std::size_t i = 0; i < names.size(); ++i) {
    out += fmt::format("<span><i class=\"{}\"></i>{}</span>", SeriesClass(i),
                       EscapeHtml(Shorten(names[i], 48)));
  }
  return out + "</div>\n";
}

std::string SeriesClass(std::size_t index) { return fmt::format("s{}", index % kColors); }

}  // namespace dml::report

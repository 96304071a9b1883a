#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "orchestrator/report/html/escape.h"
#include "orchestrator/report/html/panel_kinds.h"
#include "orchestrator/report/html/plot.h"
#include "orchestrator/report/number_text.h"

namespace dml::report {

namespace {

constexpr std::size_t kBarsMax = 25;
constexpr double kRow = 21;
constexpr double kLabelWidth = 168;
constexpr double kValueWidth = 64;

}  // namespace

std::string BarsBody(const Json& panel) {
  const auto labels = panel.at("labels").get<std::vector<std::string>>();
  const std::vector<double> values = NumbersOf(panel.at("values"));
  const std::size_t total = std::min(labels.size(), values.size());
  const std::size_t shown = std::min(total, kBarsMax);
  double low = 0;
  double high = 0;
  for (std::size_t i = 0; i < shown; ++i) {
    if (!std::isfinite(values[i])) continue;
    low = std::min(low, values[i]);
    high = std::max(high, values[i]);
  }
  const double span = high > low ? high - low : 1;
  const double left = kLabelWidth + (low < 0 ? kValueWidth : 8);
  const double room = Plot::kWidth - left - (high > 0 ? kValueWidth : 8);
  const auto x = [&](double value) { return left + (value - low) / span * room; };

  Svg svg(Plot::kWidth, kRow * static_cast<double>(std::max<std::size_t>(shown, 1)) + 6,
          panel.value("title", "bars"));
  for (std::size_t i = 0; i < shown; ++i) {
    const double value = std::isfinite(values[i]) ? values[i] : 0;
    const double y = kRow * static_cast<double>(i) + 3;
    const std::string tooltip = labels[i] + ": " + NumberText(values[i]);
    svg.Open("bar", tooltip);
    svg.Text(kLabelWidth - 6, y + 14, Shorten(labels[i], 26), "tick", Anchor::kEnd);
    svg.Rect(std::min(x(0), x(value)), y + 3, std::max(std::abs(x(value) - x(0)), 0.5), kRow - 7,
             value < 0 ? "fill s1" : "fill s0", 2);
    svg.Text(x(value) + (value < 0 ? -5 : 5), y + 14, NumberText(values[i]), "value",
             value < 0 ? Anchor::kEnd : Anchor::kStart);
    svg.Close();
  }
  svg.Line(x(0), 2, x(0), kRow * static_cast<double>(shown) + 4, "axis");
  std::string out = std::move(svg).Finish();
  if (total > shown) out += fmt::format("<p class=\"dim\">the first {} of {}</p>", shown, total);
  return out;
}

}  // namespace dml::report

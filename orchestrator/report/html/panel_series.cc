#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "orchestrator/report/html/panel_kinds.h"
#include "orchestrator/report/html/plot.h"

namespace dml::report {

namespace {

constexpr std::size_t kSeriesMax = 12;
constexpr std::size_t kLinePointsMax = 600;
constexpr std::size_t kDotsMax = 1500;  // per series

struct Points {
  std::string name;
  std::vector<double> x;
  std::vector<double> y;
};

std::vector<Points> ReadSeries(const Json& panel) {
  std::vector<Points> all;
  for (const Json& item : panel.at("series")) {
    if (all.size() == kSeriesMax) break;
    Points points{item.value("name", ""), NumbersOf(item.at("x")), NumbersOf(item.at("y"))};
    const std::size_t size = std::min(points.x.size(), points.y.size());
    points.x.resize(size);
    points.y.resize(size);
    all.push_back(std::move(points));
  }
  return all;
}

Range RangeOfAll(const std::vector<Points>& all, std::vector<double> Points::*member) {
  std::vector<double> values;
  for (const Points& points : all) {
    values.insert(values.end(), (points.*member).begin(), (points.*member).end());
  }
  return RangeOf(values);
}

std::string Legend(const std::vector<Points>& all) {
  std::vector<std::string> names;
  for (const Points& points : all) names.push_back(points.name);
  return LegendHtml(names);
}

std::string Pair(const Plot& plot, double x, double y) {
  return fmt::format("{} {}", Coordinate(plot.X(x)), Coordinate(plot.Y(y)));
}

// Keeps the first, the last and, of every bucket between them, the lowest and the highest point,
// so that no peak is lost.
std::vector<std::size_t> Thin(const std::vector<double>& y) {
  std::vector<std::size_t> kept;
  if (y.size() <= kLinePointsMax) {
    for (std::size_t i = 0; i < y.size(); ++i) kept.push_back(i);
    return kept;
  }
  const std::size_t buckets = kLinePointsMax / 2;
  kept.push_back(0);
  for (std::size_t b = 0; b < buckets; ++b) {
    const auto begin = y.begin() + static_cast<std::ptrdiff_t>(b * y.size() / buckets);
    const auto end = y.begin() + static_cast<std::ptrdiff_t>((b + 1) * y.size() / buckets);
    const auto [low, high] = std::minmax_element(begin, end);
    auto first = static_cast<std::size_t>(low - y.begin());
    auto second = static_cast<std::size_t>(high - y.begin());
    if (first > second) std::swap(first, second);
    kept.push_back(first);
    if (second != first) kept.push_back(second);
  }
  kept.push_back(y.size() - 1);
  return kept;
}

// A gap in the data is a gap in the line.
std::string LinePath(const Plot& plot, const Points& points) {
  std::string path;
  bool pen_down = false;
  for (std::size_t i : Thin(points.y)) {
    if (!std::isfinite(points.x[i]) || !std::isfinite(points.y[i])) {
      pen_down = false;
      continue;
    }
    path += pen_down ? 'L' : 'M';
    path += Pair(plot, points.x[i], points.y[i]);
    pen_down = true;
  }
  return path;
}

// Zero-length strokes with round caps: one short path instead of thousands of circles.
std::string DotPath(const Plot& plot, const Points& points) {
  const std::size_t stride = std::max<std::size_t>(1, (points.x.size() + kDotsMax - 1) / kDotsMax);
  std::string path;
  for (std::size_t i = 0; i < points.x.size(); i += stride) {
    if (!std::isfinite(points.x[i]) || !std::isfinite(points.y[i])) continue;
    path += fmt::format("M{}h0", Pair(plot, points.x[i], points.y[i]));
  }
  return path;
}

bool IsUnit(Range range) { return range.low >= 0 && range.high <= 1 && range.high > 0.6; }

}  // namespace

std::string LinesBody(const Json& panel) {
  const std::vector<Points> all = ReadSeries(panel);
  Range x = RangeOfAll(all, &Points::x);
  Range y = RangeOfAll(all, &Points::y);
  x = IsUnit(x) ? Range{0, 1} : x;
  y = IsUnit(y) ? Range{0, 1} : Rounded(y, 5);
  Svg svg(Plot::kWidth, Plot::kHeight, panel.value("title", "lines"));
  const Plot plot(svg, x, y, panel.value("x_label", ""), panel.value("y_label", ""));
  for (std::size_t s = 0; s < all.size(); ++s) {
    // Two points make a reference line (chance, perfect fit): dashed, behind nothing important.
    const bool reference = all[s].x.size() == 2 && all.size() > 1;
    svg.Path(LinePath(plot, all[s]), (reference ? "curve dashed " : "curve ") + SeriesClass(s));
  }
  return std::move(svg).Finish() + Legend(all);
}

std::string ScatterBody(const Json& panel) {
  const std::vector<Points> all = ReadSeries(panel);
  Svg svg(Plot::kWidth, Plot::kHeight, panel.value("title", "scatter"));
  const Plot plot(svg, Rounded(RangeOfAll(all, &Points::x), 6),
                  Rounded(RangeOfAll(all, &Points::y), 5), panel.value("x_label", ""),
                  panel.value("y_label", ""));
  for (std::size_t s = 0; s < all.size(); ++s) {
    svg.Path(DotPath(plot, all[s]), "dots " + SeriesClass(s));
  }
  return std::move(svg).Finish() + Legend(all);
}

}  // namespace dml::report

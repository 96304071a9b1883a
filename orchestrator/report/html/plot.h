#pragma once

#include <string>
#include <vector>

#include "orchestrator/report/html/svg.h"

namespace dml::report {

// A closed interval of finite numbers with low < high.
struct Range {
  double low = 0;
  double high = 1;
};

// The smallest range around the finite values, widened when it is a single point; {0, 1} when
// there are none.
Range RangeOf(const std::vector<double>& values);

// About `count` round numbers (1, 2 or 5 times a power of ten) inside the range.
std::vector<double> Ticks(Range range, int count);

// `range` extended outwards to round numbers.
Range Rounded(Range range, int count);

// A frame with axes, grid and labels, and the mapping from data to drawing coordinates. Draws the
// frame on construction; data is drawn on top by the caller, clipped by nobody, so it must lie
// within the ranges.
class Plot {
 public:
  static constexpr double kWidth = 520;
  static constexpr double kHeight = 330;

  Plot(Svg& svg, Range x, Range y, const std::string& x_label, const std::string& y_label);

  [[nodiscard]] double X(double value) const;
  [[nodiscard]] double Y(double value) const;

 private:
  Range x_;
  Range y_;
};

// Names of series with their colours, in as many rows as they need. Returns HTML to go below a
// drawing; empty when there is a single unnamed series.
std::string LegendHtml(const std::vector<std::string>& names);

// The class that colours series `index`; ten colours, then they repeat.
std::string SeriesClass(std::size_t index);

}  // namespace dml::report

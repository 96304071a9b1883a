#include "plugins/learn/tree/feature_bins.h"

#include <algorithm>
#include <limits>

namespace dml::learn {

namespace {

// Halfway, or the lower value if no number lies between the two.
double Midpoint(double low, double high) {
  const double middle = low / 2.0 + high / 2.0;
  return middle >= high || middle < low ? low : middle;
}

}  // namespace

std::uint8_t FeatureBins::Code(double value) const {
  return static_cast<std::uint8_t>(std::ranges::lower_bound(upper, value) - upper.begin());
}

double FeatureBins::Threshold(std::size_t b, std::size_t next) const {
  return Midpoint(high[b], low[next]);
}

FeatureBins ChooseBins(std::vector<double>& values, std::size_t bins_max) {
  FeatureBins bins;
  std::ranges::sort(values);
  std::vector<std::pair<double, std::size_t>> distinct;  // value, rows
  for (const double value : values) {
    if (distinct.empty() || distinct.back().first != value) distinct.emplace_back(value, 0);
    ++distinct.back().second;
  }
  bins.exact = distinct.size() <= bins_max;
  std::size_t rows_left = values.size();
  std::size_t bins_left = bins_max;
  std::size_t in_bin = 0;
  for (std::size_t i = 0; i + 1 < distinct.size(); ++i) {
    in_bin += distinct[i].second;
    // A frequent value takes a bin of its own; what is left is shared out anew.
    const bool full = bins.exact || in_bin * bins_left >= rows_left;
    if (!full || bins_left == 1) continue;
    bins.upper.push_back(Midpoint(distinct[i].first, distinct[i + 1].first));
    rows_left -= in_bin;
    in_bin = 0;
    --bins_left;
  }
  const std::size_t count = distinct.empty() ? 0 : bins.upper.size() + 1;
  bins.low.assign(count, std::numeric_limits<double>::infinity());
  bins.high.assign(count, -std::numeric_limits<double>::infinity());
  return bins;
}

}  // namespace dml::learn

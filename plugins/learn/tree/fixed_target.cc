#include "plugins/learn/tree/fixed_target.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace dml::learn {

namespace {

constexpr int kWeightBits = 52;  // sums of weights are exact as doubles too
constexpr int kValueBits = 62;

// The largest power of two such that rows * largest * scale <= 2^bits.
double ScaleFor(std::size_t rows, double largest, int bits) {
  if (!(largest > 0)) return 1.0;
  int exponent = 0;
  std::frexp(static_cast<double>(rows) * largest, &exponent);
  return std::ldexp(1.0, std::clamp(bits - exponent, -1000, 1000));
}

// The smallest and largest target of the rows that have a weight. What a row without one holds must
// not cost the others a digit.
std::pair<double, double> RangeOf(const BinnedData& data) {
  double low = std::numeric_limits<double>::infinity();
  double high = -low;
  for (std::size_t i = 0; i < data.rows; ++i) {
    if (data.weight[i] == 0) continue;
    low = std::min(low, data.y[i]);
    high = std::max(high, data.y[i]);
  }
  return {low, high};
}

}  // namespace

Result<void> FixTargets(const std::vector<double>& weights, BinnedData& data) {
  const double largest = std::ranges::max(weights);
  if (!(largest > 0)) {
    return Error::Invalid("no row has a positive weight", "check the weight column");
  }
  const double scale = ScaleFor(data.rows, largest, kWeightBits);
  const bool whole = std::ranges::all_of(weights, [](double w) { return w == std::floor(w); });
  data.weight_scale = whole ? std::min(scale, 1.0) : scale;
  data.weighted = std::ranges::any_of(weights, [](double w) { return w != 1.0; });
  data.weight.resize(data.rows);
  for (std::size_t i = 0; i < data.rows; ++i) {
    const std::int64_t units = std::llround(weights[i] * data.weight_scale);
    data.weight[i] = weights[i] > 0 ? std::max<std::int64_t>(units, 1) : 0;
  }
  if (data.classes > 0) {
    data.label.resize(data.rows);
    std::ranges::transform(data.y, data.label.begin(),
                           [](double y) { return static_cast<std::uint32_t>(y); });
    return {};
  }
  const auto [low, high] = RangeOf(data);
  if (!std::isfinite(high - low)) {
    return Error::Invalid("the range of the target is too large for a number",
                          "scale the target down");
  }
  data.origin = low;
  data.value_scale = ScaleFor(data.rows, (high - low) * largest, kValueBits);
  data.value.resize(data.rows);
  for (std::size_t i = 0; i < data.rows; ++i) {
    if (data.weight[i] == 0) continue;
    const double weight = static_cast<double>(data.weight[i]) / data.weight_scale;
    data.value[i] = std::llround(weight * (data.y[i] - data.origin) * data.value_scale);
  }
  return {};
}

}  // namespace dml::learn

#include "plugins/learn/metrics/regression.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace dml::learn {

namespace {

constexpr const char* kNoRows = "There are no rows to evaluate.";
constexpr const char* kConstant =
    "The target is the same in every row: there is nothing to explain.";

double Square(double x) { return x * x; }

double Residual(const Predictions& p, std::size_t i) { return p.y[i] - p.output[i]; }

template <typename OfRow>
Score Mean(const Predictions& p, const OfRow& of_row) {
  RowSum sum;
  RowSum weights;
  for (std::size_t i = 0; i < p.rows(); ++i) {
    sum.Add(p.w(i) * of_row(i));
    weights.Add(p.w(i));
  }
  if (!(weights.value() > 0)) return Score::Undefined(kNoRows);
  return Score::Of(sum.value() / weights.value());
}

// 1 - mean of squares / variance of the target.
Score ShareExplained(const Predictions& p, const Score& unexplained) {
  const Score mean = Mean(p, [&](std::size_t i) { return p.y[i]; });
  if (!mean.defined()) return mean;
  const Score variance = Mean(p, [&](std::size_t i) { return Square(p.y[i] - *mean.value); });
  const auto [low, high] = std::ranges::minmax_element(p.y);
  if (*low == *high || !(*variance.value > 0)) return Score::Undefined(kConstant);
  return Score::Of(1.0 - *unexplained.value / *variance.value);
}

}  // namespace

Score MeanSquaredError(const Predictions& p) {
  return Mean(p, [&](std::size_t i) { return Square(Residual(p, i)); });
}

Score RootMeanSquaredError(const Predictions& p) {
  Score score = MeanSquaredError(p);
  if (score.defined()) score.value = std::sqrt(*score.value);
  return score;
}

Score MeanAbsoluteError(const Predictions& p) {
  return Mean(p, [&](std::size_t i) { return std::fabs(Residual(p, i)); });
}

Score MeanAbsolutePercentageError(const Predictions& p) {
  constexpr double kEps = std::numeric_limits<double>::epsilon();
  Score score = Mean(p, [&](std::size_t i) {
    return std::fabs(Residual(p, i)) / std::max(std::fabs(p.y[i]), kEps);
  });
  const auto zeros = std::ranges::count(p.y, 0.0);
  if (zeros > 0 && score.defined()) {
    score.note = fmt::format(
        "The target is 0 in {} row{}, where a percentage means nothing and dominates the mean.",
        zeros, zeros == 1 ? "" : "s");
  }
  return score;
}

Score MedianAbsoluteError(const Predictions& p) {
  std::vector<std::size_t> order(p.rows());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto error = [&](std::size_t i) { return std::fabs(Residual(p, i)); };
  std::ranges::stable_sort(order,
                           [&](std::size_t a, std::size_t b) { return error(a) < error(b); });
  std::erase_if(order, [&](std::size_t i) { return !(p.w(i) > 0); });
  if (order.empty()) return Score::Undefined(kNoRows);
  double total = 0.0;
  for (const std::size_t i : order) total += p.w(i);
  double below = 0.0;
  for (std::size_t k = 0; k < order.size(); ++k) {
    below += p.w(order[k]);
    if (below < 0.5 * total) continue;
    // Exactly half of the weight on either side: the middle of the two, as with repeated rows.
    const bool between = below == 0.5 * total && k + 1 < order.size();
    return Score::Of(between ? 0.5 * (error(order[k]) + error(order[k + 1])) : error(order[k]));
  }
  return Score::Of(error(order.back()));
}

Score MaxError(const Predictions& p) {
  if (p.rows() == 0) return Score::Undefined(kNoRows);
  double largest = 0.0;
  for (std::size_t i = 0; i < p.rows(); ++i) {
    if (p.w(i) > 0) largest = std::max(largest, std::fabs(Residual(p, i)));
  }
  return Score::Of(largest);
}

Score R2(const Predictions& p) { return ShareExplained(p, MeanSquaredError(p)); }

Score ExplainedVariance(const Predictions& p) {
  const Score mean = Mean(p, [&](std::size_t i) { return Residual(p, i); });
  if (!mean.defined()) return mean;
  const Score variance =
      Mean(p, [&](std::size_t i) { return Square(Residual(p, i) - *mean.value); });
  return ShareExplained(p, variance);
}

std::vector<double> ResidualQuantiles(const Predictions& p, std::span<const double> probabilities) {
  std::vector<double> residuals(p.rows());
  for (std::size_t i = 0; i < p.rows(); ++i) residuals[i] = Residual(p, i);
  std::ranges::sort(residuals);
  std::vector<double> quantiles;
  for (const double probability : probabilities) {
    if (residuals.empty()) break;
    const double position = probability * static_cast<double>(residuals.size() - 1);
    const auto low = static_cast<std::size_t>(position);
    const std::size_t high = std::min(low + 1, residuals.size() - 1);
    const double share = position - static_cast<double>(low);
    quantiles.push_back(residuals[low] + share * (residuals[high] - residuals[low]));
  }
  return quantiles;
}

}  // namespace dml::learn

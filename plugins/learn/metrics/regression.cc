#include "plugins/learn/metrics/regression.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <compare>
#include <limits>
#include <optional>
#include <utility>

#include "plugins/learn/metrics/sorting_room.h"

namespace dml::learn {

namespace {

constexpr const char* kNoRowsCompared = "There are no rows to evaluate.";
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
  if (!(weights.value() > 0)) return Score::Undefined(kNoRowsCompared);
  return Score::Of(sum.value() / weights.value());
}

// 1 - mean of squares / variance of the target.
Score ShareExplained(const Predictions& p, const Score& unexplained) {
  Score mean = Mean(p, [&](std::size_t i) { return p.y[i]; });
  if (!mean.defined()) return mean;
  const Score variance = Mean(p, [&](std::size_t i) { return Square(p.y[i] - *mean.value); });
  std::optional<double> first;
  bool constant = true;
  for (std::size_t i = 0; i < p.rows(); ++i) {
    if (!(p.w(i) > 0)) continue;
    constant = constant && p.y[i] == first.value_or(p.y[i]);
    first = first.value_or(p.y[i]);
  }
  if (constant || !(*variance.value > 0)) return Score::Undefined(kConstant);
  return Score::Of(1.0 - *unexplained.value / *variance.value);
}

struct WeightedValue {
  double value = 0.0;
  double weight = 0.0;

  auto operator<=>(const WeightedValue&) const = default;
};

// The value that a share of the weight lies at or below; if the share ends exactly between two
// values, their middle. It is the same for weights, repeated rows, and weights times a constant.
// Empty without rows of positive weight.
template <typename Value>
std::vector<double> WeightedQuantiles(const Predictions& p, const Value& value,
                                      std::span<const double> probabilities) {
  constexpr double kExactly = 1e-12;  // shares such as 0.05 are not exact
  std::vector<WeightedValue> own;
  std::span<WeightedValue> rows = RoomToSort(p, p.rows(), own);
  std::size_t count = 0;
  for (std::size_t i = 0; i < p.rows(); ++i) {
    if (p.w(i) > 0) rows[count++] = {value(i), p.w(i)};
  }
  rows = rows.first(count);
  std::ranges::sort(rows);
  double total = 0.0;
  for (const WeightedValue& row : rows) total += row.weight;
  std::vector<double> quantiles;
  for (const double probability : probabilities) {
    if (rows.empty()) break;
    const double wanted = probability * total;
    std::size_t k = 0;
    double below = rows[0].weight;
    while (k + 1 < rows.size() && below < wanted - kExactly * total) below += rows[++k].weight;
    const bool between =
        probability > 0 && k + 1 < rows.size() && below <= wanted + kExactly * total;
    quantiles.push_back(between ? 0.5 * (rows[k].value + rows[k + 1].value) : rows[k].value);
  }
  return quantiles;
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
  std::size_t zeros = 0;
  for (std::size_t i = 0; i < p.rows(); ++i) zeros += p.y[i] == 0.0 && p.w(i) > 0 ? 1U : 0U;
  if (zeros > 0 && score.defined()) {
    score.note = fmt::format(
        "The target is 0 in {} row{}, where a percentage means nothing and dominates the mean.",
        zeros, zeros == 1 ? "" : "s");
  }
  return score;
}

Score MedianAbsoluteError(const Predictions& p) {
  const auto error = [&](std::size_t i) { return std::fabs(Residual(p, i)); };
  const std::vector<double> median = WeightedQuantiles(p, error, std::array{0.5});
  return median.empty() ? Score::Undefined(kNoRowsCompared) : Score::Of(median.front());
}

Score MaxError(const Predictions& p) {
  std::optional<double> largest;
  for (std::size_t i = 0; i < p.rows(); ++i) {
    if (p.w(i) > 0) largest = std::max(largest.value_or(0.0), std::fabs(Residual(p, i)));
  }
  return largest ? Score::Of(*largest) : Score::Undefined(kNoRowsCompared);
}

Score R2(const Predictions& p) { return ShareExplained(p, MeanSquaredError(p)); }

Score ExplainedVariance(const Predictions& p) {
  Score mean = Mean(p, [&](std::size_t i) { return Residual(p, i); });
  if (!mean.defined()) return mean;
  const Score variance =
      Mean(p, [&](std::size_t i) { return Square(Residual(p, i) - *mean.value); });
  return ShareExplained(p, variance);
}

std::vector<double> ResidualQuantiles(const Predictions& p, std::span<const double> probabilities) {
  return WeightedQuantiles(
      p, [&](std::size_t i) { return Residual(p, i); }, probabilities);
}

}  // namespace dml::learn

#pragma once

#include <span>
#include <vector>

#include "plugins/learn/metrics/score.h"

// Figures of a regression, by scikit-learn's definitions. Rows of weight w count as w rows.

namespace dml::learn {

[[nodiscard]] Score MeanSquaredError(const Predictions& predictions);
[[nodiscard]] Score RootMeanSquaredError(const Predictions& predictions);
[[nodiscard]] Score MeanAbsoluteError(const Predictions& predictions);
// Mean of |y - f| / max(|y|, 2^-52), as a fraction; the note counts targets that are 0.
[[nodiscard]] Score MeanAbsolutePercentageError(const Predictions& predictions);
[[nodiscard]] Score MedianAbsoluteError(const Predictions& predictions);
[[nodiscard]] Score MaxError(const Predictions& predictions);
// 1 - sum (y - f)^2 / sum (y - mean y)^2; undefined for a constant target.
[[nodiscard]] Score R2(const Predictions& predictions);
// 1 - Var(y - f) / Var(y); undefined for a constant target.
[[nodiscard]] Score ExplainedVariance(const Predictions& predictions);

// Quantiles of the residuals y - f: the value that this share of the weight lies at or below, or
// the middle of two values between which it ends (numpy: averaged_inverted_cdf).
[[nodiscard]] std::vector<double> ResidualQuantiles(const Predictions& predictions,
                                                    std::span<const double> probabilities);

}  // namespace dml::learn

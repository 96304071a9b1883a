#include "plugins/steps/training/leakage.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "plugins/learn/fit_loop.h"
#include "plugins/steps/training/perfect_fit.h"

namespace dml::steps {

namespace {

constexpr double kTellsAll = 0.9999;
constexpr std::size_t kTellersNamed = 5;

// Centred sums of every feature with itself and with the target, merged as in Chan, Golub and
// LeVeque (1979). Missing values count as the mean so far: they add nothing.
struct Correlations {
  double rows = 0.0;
  double y_mean = 0.0;
  double yy = 0.0;
  double errors = 0.0;  // summed squares of what a linear fit leaves, where it is looked at
  std::vector<double> mean, xx, xy;

  void Add(const double* x, double y) {
    rows += 1.0;
    const double y_step = y - y_mean;
    y_mean += y_step / rows;
    yy += y_step * (y - y_mean);
    for (std::size_t i = 0; i < mean.size(); ++i) {
      const double step = std::isnan(x[i]) ? 0.0 : x[i] - mean[i];
      mean[i] += step / rows;
      xx[i] += step * (step - step / rows);
      xy[i] += step * (y - y_mean);
    }
  }

  void Merge(Correlations&& right) {
    if (rows == 0.0) {
      *this = std::move(right);
      return;
    }
    if (right.rows == 0.0) return;
    const double all = rows + right.rows;
    const double share = rows * right.rows / all;
    const double y_gap = right.y_mean - y_mean;
    for (std::size_t i = 0; i < mean.size(); ++i) {
      const double gap = right.mean[i] - mean[i];
      xx[i] += right.xx[i] + gap * gap * share;
      xy[i] += right.xy[i] + gap * y_gap * share;
      mean[i] += gap * right.rows / all;
    }
    errors += right.errors;
    yy += right.yy + y_gap * y_gap * share;
    y_mean += y_gap * right.rows / all;
    rows = all;
  }

  template <typename A>
  void Fields(A& archive) {
    archive(rows);
    archive(y_mean);
    archive(yy);
    archive(errors);
    archive(mean);
    archive(xx);
    archive(xy);
  }
};

// The correlation of a feature with the target; 0 if one of them does not vary, as far as sums of
// squares can tell. The product of two small variances would underflow.
double CorrelationOf(const Correlations& found, std::size_t feature) {
  const double scale = std::sqrt(found.xx[feature]) * std::sqrt(found.yy);
  if (!std::isnormal(scale) || !std::isnormal(found.xx[feature]) || !std::isnormal(found.yy)) {
    return 0.0;
  }
  const double correlation = found.xy[feature] / scale;
  return std::isfinite(correlation) ? std::clamp(correlation, -1.0, 1.0) : 0.0;
}

// A tree can learn its rows by heart, a linear model of far fewer weights than rows cannot.
bool CannotMemorise(const FittedPipeline& pipeline, std::uint64_t rows) {
  const std::string_view kind = pipeline.fit.predictor->kind();
  if (kind != "linear_regression" && kind != "ridge") return false;
  return rows > 2 * (pipeline.feature_names.size() + 1);
}

std::vector<std::string> NameTellers(const Correlations& found,
                                     const std::vector<std::string>& features,
                                     const std::string& target) {
  std::vector<std::string> warnings;
  std::size_t more = 0;
  for (std::size_t i = 0; i < found.mean.size(); ++i) {
    const double correlation = CorrelationOf(found, i);
    if (std::fabs(correlation) < kTellsAll) continue;
    if (warnings.size() == kTellersNamed) {
      ++more;
      continue;
    }
    warnings.push_back(
        fmt::format("The feature '{}' has a correlation of {:.5f} with the target '{}': it may "
                    "know the answer. Drop it unless it is known before the fact.",
                    features[i], correlation, target));
  }
  if (more > 0) {
    warnings.push_back(
        fmt::format("The same is true of {} more feature{}.", more, more == 1 ? "" : "s"));
  }
  return warnings;
}

}  // namespace

Result<Leakage> FindLeakage(const TrainingRows& rows, const FittedPipeline& pipeline,
                            bool allow_missing, const learn::Execution& execution) {
  Leakage leakage;
  const Target& target = rows.labels.target;
  if (target.column.empty() || target.classes.size() > 2) return leakage;
  DML_TRY(const auto matrix,
          DesignMatrix::Make(rows.table, pipeline.rows, rows.labels, allow_missing));
  if (matrix->sparse()) return leakage;
  const bool judged = CannotMemorise(pipeline, matrix->rows());
  const auto local = [&](const learn::Tile& tile, Correlations& stats) -> Result<void> {
    stats.mean.resize(tile.features);
    stats.xx.resize(tile.features);
    stats.xy.resize(tile.features);
    for (std::size_t row = 0; row < tile.rows; ++row) {
      stats.Add(tile.x.data() + row * tile.features, tile.y[row]);
    }
    if (!judged) return {};
    thread_local std::vector<double> fitted;
    fitted.resize(tile.rows);
    pipeline.fit.predictor->Predict(tile, fitted);
    for (std::size_t row = 0; row < tile.rows; ++row) {
      stats.errors += (tile.y[row] - fitted[row]) * (tile.y[row] - fitted[row]);
    }
    return {};
  };
  DML_TRY(const Correlations found, learn::FoldTiles<Correlations>(*matrix, execution, local));
  leakage.warnings = NameTellers(found, pipeline.feature_names, target.column);
  leakage.explained = judged && ExplainsAll(found.errors, found.yy);
  for (const double squares : found.xx) leakage.deviations.push_back(std::sqrt(squares));
  return leakage;
}

}  // namespace dml::steps

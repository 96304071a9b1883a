#include "plugins/steps/training/leakage.h"

#include <fmt/format.h>

#include <cmath>

#include "plugins/learn/fit_loop.h"

namespace dml::steps {

namespace {

constexpr double kTellsAll = 0.9999;

// Centred sums of every feature with itself and with the target, merged as in Chan, Golub and
// LeVeque (1979). Missing values count as the mean so far: they add nothing.
struct Correlations {
  double rows = 0.0;
  double y_mean = 0.0;
  double yy = 0.0;
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
    if (rows == 0.0) *this = std::move(right);
    if (right.rows == 0.0 || right.mean.empty()) return;
    const double all = rows + right.rows;
    const double share = rows * right.rows / all;
    const double y_gap = right.y_mean - y_mean;
    for (std::size_t i = 0; i < mean.size(); ++i) {
      const double gap = right.mean[i] - mean[i];
      xx[i] += right.xx[i] + gap * gap * share;
      xy[i] += right.xy[i] + gap * y_gap * share;
      mean[i] += gap * right.rows / all;
    }
    yy += right.yy + y_gap * y_gap * share;
    y_mean += y_gap * right.rows / all;
    rows = all;
  }

  template <typename A>
  void Fields(A& archive) {
    archive(rows);
    archive(y_mean);
    archive(yy);
    archive(mean);
    archive(xx);
    archive(xy);
  }
};

}  // namespace

Result<std::vector<std::string>> FindLeakage(const TrainingRows& rows,
                                             const FittedPipeline& pipeline, bool allow_missing,
                                             const learn::Execution& execution) {
  std::vector<std::string> warnings;
  const Target& target = rows.labels.target;
  if (target.column.empty() || target.classes.size() > 2) return warnings;
  DML_TRY(const auto matrix,
          DesignMatrix::Make(rows.table, pipeline.rows, rows.labels, allow_missing));
  if (matrix->sparse()) return warnings;
  const auto local = [](const learn::Tile& tile, Correlations& stats) -> Result<void> {
    stats.mean.resize(tile.features);
    stats.xx.resize(tile.features);
    stats.xy.resize(tile.features);
    for (std::size_t row = 0; row < tile.rows; ++row) {
      stats.Add(tile.x.data() + row * tile.features, tile.y[row]);
    }
    return {};
  };
  DML_TRY(const Correlations found, learn::FoldTiles<Correlations>(*matrix, execution, local));
  for (std::size_t i = 0; i < found.mean.size(); ++i) {
    const double correlation = found.xy[i] / std::sqrt(found.xx[i] * found.yy);
    if (!(std::fabs(correlation) >= kTellsAll)) continue;
    warnings.push_back(
        fmt::format("The feature '{}' has a correlation of {:.5f} with the target '{}': it may "
                    "know the answer. Drop it unless it is known before the fact.",
                    pipeline.feature_names[i], correlation, target.column));
  }
  return warnings;
}

}  // namespace dml::steps

#include "plugins/learn/linear/logistic_objective.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "plugins/learn/fit_loop.h"
#include "plugins/learn/kernels/dense.h"
#include "plugins/learn/kernels/logistic.h"
#include "plugins/learn/kernels/tile_product.h"
#include "plugins/learn/linear/class_counts.h"
#include "plugins/learn/moments.h"

namespace dml::learn {

struct LogisticObjective::Rows {
  std::vector<double> y;       // position in present_
  std::vector<double> weight;  // sample weight x class weight
};

struct LogisticObjective::Stats {
  double loss = 0.0;
  double lowest_margin = std::numeric_limits<double>::infinity();
  std::vector<double> slopes;   // outputs x features
  std::vector<double> offsets;  // outputs
  std::vector<double> blocks;   // per pair of outputs k <= l: (features + 1)^2, upper triangle

  void Merge(Stats&& right) {
    if (slopes.empty()) {
      *this = std::move(right);
      return;
    }
    const auto add = [](std::vector<double>& a, const std::vector<double>& b) {
      for (std::size_t i = 0; i < b.size(); ++i) a[i] += b[i];
    };
    loss += right.loss;
    lowest_margin = std::min(lowest_margin, right.lowest_margin);
    add(slopes, right.slopes);
    add(offsets, right.offsets);
    add(blocks, right.blocks);
  }
  template <typename A>
  void Fields(A& archive) {
    archive(loss);
    archive(lowest_margin);
    archive(slopes);
    archive(offsets);
    archive(blocks);
  }
};

Result<void> LogisticObjective::SetClassWeights(const std::vector<double>& counts) {
  double total = 0.0;
  position_.assign(classes_, -1);
  for (std::size_t k = 0; k < classes_; ++k) {
    if (counts[k] <= 0.0) continue;
    position_[k] = static_cast<int>(present_.size());
    present_.push_back(static_cast<int>(k));
    total += counts[k];
  }
  if (present_.empty()) {
    return Error::Invalid("there are no rows to train on",
                          "check the filters and the split before this step");
  }
  if (present_.size() == 1) {
    return Error::Invalid("the target has only one class in the training rows",
                          "check 'target:', or stratify the split so that every part has both");
  }
  class_weights_.assign(classes_, 1.0);
  if (options_->class_weight == LogisticOptions::ClassWeight::kGiven) {
    if (options_->class_weights.size() != classes_) {
      return Error::Invalid(fmt::format("class_weight has {} entries for {} classes",
                                        options_->class_weights.size(), classes_));
    }
    class_weights_ = options_->class_weights;
  }
  if (options_->class_weight == LogisticOptions::ClassWeight::kBalanced) {
    for (const int k : present_) {
      const auto at = static_cast<std::size_t>(k);
      class_weights_[at] = total / (static_cast<double>(present_.size()) * counts[at]);
    }
  }
  for (const int k : present_) {
    const auto at = static_cast<std::size_t>(k);
    if (!(class_weights_[at] >= 0.0)) {
      return Error::Invalid(fmt::format("the weight of class {} is negative", k));
    }
  }
  total_weight_ = WeightOf(counts);
  if (!(total_weight_ > 0.0)) return Error::Invalid("the weights of all rows are 0");
  if (options_->penalty == LogisticOptions::Penalty::kL2) {
    strength_ = 1.0 / (options_->c * total_weight_);
  }
  return {};
}

double LogisticObjective::WeightOf(const std::vector<double>& counts) const {
  double total = 0.0;
  for (std::size_t k = 0; k < classes_; ++k) total += class_weights_[k] * counts[k];
  return total;
}

// Sparse rows cannot be shifted, and without an intercept a shift would change the model.
void LogisticObjective::SetCoordinates(const Moments& moments) {
  const std::size_t p = moments.mean.size();
  const bool shifted = !source_->sparse() && options_->fit_intercept;
  shift_ = shifted ? moments.mean : std::vector<double>(p, 0.0);
  // The curvature of a loss is at most 1/4 of the second moment.
  std::vector<double> deviations(p + 1, 1.0);
  for (std::size_t j = 0; j < p; ++j) {
    double square = moments.gram[j] / moments.weight + 4.0 * strength_;
    if (!shifted) square += moments.mean[j] * moments.mean[j];
    if (square > 0.0) deviations[j] = std::sqrt(square);
  }
  for (std::size_t k = 0; k < outputs(); ++k) {
    deviations_.insert(deviations_.end(), deviations.begin(), deviations.end());
  }
}

double LogisticObjective::Norm(const std::vector<double>& gradient) const {
  double largest = 0.0;
  for (std::size_t i = 0; i < gradient.size(); ++i) {
    largest = std::max(largest, std::abs(gradient[i]) / deviations_[i]);
  }
  return largest;
}

Result<LogisticObjective> LogisticObjective::Over(const DataSource& rows,
                                                  const Execution& execution) const {
  LogisticObjective out = *this;
  out.source_ = &rows;
  out.execution_ = &execution;
  DML_TRY(const ClassCounts counts, CountClasses(rows, classes_, execution));
  out.total_weight_ = WeightOf(counts.weight);
  if (!(out.total_weight_ > 0.0)) return Error::Invalid("the weights of all rows are 0");
  return out;
}

Result<LogisticObjective> LogisticObjective::Make(const DataSource& source, int classes,
                                                  const LogisticOptions& options,
                                                  const Execution& execution) {
  if (!(options.c > 0.0)) {
    return Error::Invalid(fmt::format("C is {}, but must be greater than 0", options.c));
  }
  if (source.feature_names().empty()) return Error::Invalid("there are no features to train on");
  LogisticObjective out(source, options, execution);
  out.classes_ = static_cast<std::size_t>(classes);
  DML_TRY(ClassCounts counts, CountClasses(source, out.classes_, execution));
  DML_RETURN_IF_ERROR(out.SetClassWeights(counts.weight));
  out.class_rows_ = std::move(counts.rows);
  DML_TRY(const Moments moments, FitVariances(source, execution));
  out.SetCoordinates(moments);
  return out;
}

void LogisticObjective::FillRows(const Tile& tile, Rows& rows) const {
  rows.y.resize(tile.rows);
  rows.weight.resize(tile.rows);
  for (std::size_t r = 0; r < tile.rows; ++r) {
    const auto k = static_cast<std::size_t>(tile.y[r]);
    rows.weight[r] = class_weights_[k] * (tile.weight.empty() ? 1.0 : tile.weight[r]);
    // A class that has rows but no weight plays no part; any position will do.
    rows.y[r] = static_cast<double>(std::max(0, position_[k]));
  }
}

void LogisticObjective::AddBinary(const Tile& tile, const std::vector<double>& weights,
                                  const std::vector<double>& intercepts, Want want,
                                  Stats& out) const {
  thread_local Rows rows;
  thread_local std::vector<double> z;
  thread_local std::vector<double> residual;
  thread_local std::vector<double> curvature;
  FillRows(tile, rows);
  z.resize(tile.rows);
  residual.resize(tile.rows);
  curvature.resize(tile.rows);
  ForEachRange(tile, [&](RowRange range) {
    const std::size_t at = range.begin;
    TileAffine(tile, range, shift_.data(), weights.data(), intercepts.data(), 1, z.data() + at);
    out.loss += BinaryLoss(z.data() + at, rows.y.data() + at, rows.weight.data() + at, range.size(),
                           residual.data() + at, curvature.data() + at);
    TileTransposed(tile, range, shift_.data(), residual.data() + at, 1, out.slopes.data());
  });
  for (std::size_t r = 0; r < tile.rows; ++r) {
    out.offsets[0] += residual[r];
    const double margin = rows.y[r] > 0.0 ? z[r] : -z[r];
    if (rows.weight[r] > 0.0) out.lowest_margin = std::min(out.lowest_margin, margin);
  }
  if (want == Want::kGradient) return;
  thread_local std::vector<double> dense;
  const std::vector<double> ones(tile.rows, 1.0);
  WeightedGram({DenseRows(tile, dense), tile.rows, tile.features, shift_.data()},
               {ones.data(), 0.0}, curvature.data(), out.blocks.data());
}

void LogisticObjective::AddMultinomial(const Tile& tile, const std::vector<double>& weights,
                                       const std::vector<double>& intercepts, Want want,
                                       Stats& out) const {
  const std::size_t n = outputs();
  thread_local Rows rows;
  thread_local std::vector<double> z;
  thread_local std::vector<double> residual;
  FillRows(tile, rows);
  z.resize(tile.rows * n);
  residual.resize(tile.rows * n);
  ForEachRange(tile, [&](RowRange range) {
    const std::size_t at = range.begin;
    TileAffine(tile, range, shift_.data(), weights.data(), intercepts.data(), n, z.data() + at * n);
    for (std::size_t r = at; r < range.end; ++r) {
      if (rows.weight[r] <= 0.0) continue;
      const auto y = static_cast<std::size_t>(rows.y[r]);
      for (std::size_t k = 0; k < n; ++k) {
        if (k != y) out.lowest_margin = std::min(out.lowest_margin, z[r * n + y] - z[r * n + k]);
      }
    }
    out.loss += SoftmaxLoss(z.data() + at * n, rows.y.data() + at, rows.weight.data() + at,
                            range.size(), n);
    for (std::size_t r = at; r < range.end; ++r) {
      for (std::size_t k = 0; k < n; ++k) {
        const double y = rows.y[r] == static_cast<double>(k) ? 1.0 : 0.0;
        residual[r * n + k] = rows.weight[r] * (z[r * n + k] - y);
        out.offsets[k] += residual[r * n + k];
      }
    }
    TileTransposed(tile, range, shift_.data(), residual.data() + at * n, n, out.slopes.data());
  });
  if (want == Want::kGradient) return;
  thread_local std::vector<double> dense;
  const RowBlock block{DenseRows(tile, dense), tile.rows, tile.features, shift_.data()};
  const std::vector<double> ones(tile.rows, 1.0);
  std::vector<double> curvature(tile.rows);
  const std::size_t q = tile.features + 1;
  double* next = out.blocks.data();
  for (std::size_t k = 0; k < n; ++k) {
    for (std::size_t l = k; l < n; ++l, next += q * q) {
      for (std::size_t r = 0; r < tile.rows; ++r) {
        const double same = k == l ? 1.0 : 0.0;
        curvature[r] = rows.weight[r] * (z[r * n + k] * (same - z[r * n + l]));
      }
      WeightedGram(block, {ones.data(), 0.0}, curvature.data(), next);
    }
  }
}

void LogisticObjective::AddPenalty(const std::vector<double>& parameters,
                                   LogisticValue& out) const {
  const std::size_t p = features();
  const std::size_t q = p + 1;
  for (std::size_t k = 0; k < outputs(); ++k) {
    for (std::size_t j = 0; j < p; ++j) {
      const std::size_t i = k * q + j;
      out.value += 0.5 * strength_ * (parameters[i] * parameters[i]);
      out.gradient[i] += strength_ * parameters[i];
      if (!out.hessian.empty()) out.hessian[i * size() + i] += strength_;
    }
  }
}

// Adding a constant to all classes' parameters of one column changes nothing, so the Hessian is
// singular along it unless penalised. The gradient has no part along it either; a curvature of any
// size there keeps the step at zero and the factor regular.
void LogisticObjective::FixFreeDirections(std::vector<double>& hessian) const {
  const std::size_t n = outputs();
  const std::size_t q = features() + 1;
  if (n == 1) return;
  for (std::size_t j = strength_ > 0.0 ? q - 1 : 0; j < q; ++j) {
    double curvature = 0.0;
    for (std::size_t k = 0; k < n; ++k) curvature += hessian[(k * q + j) * size() + k * q + j];
    curvature /= static_cast<double>(n);
    for (std::size_t k = 0; k < n; ++k) {
      for (std::size_t l = k; l < n; ++l) hessian[(k * q + j) * size() + l * q + j] += curvature;
    }
  }
}

Result<LogisticValue> LogisticObjective::Evaluate(const std::vector<double>& parameters,
                                                  Want want) const {
  const std::size_t n = outputs();
  const std::size_t p = features();
  const std::size_t q = p + 1;
  std::vector<double> weights(n * p);
  std::vector<double> intercepts(n);
  for (std::size_t k = 0; k < n; ++k) {
    std::copy_n(parameters.begin() + static_cast<std::ptrdiff_t>(k * q), p,
                weights.begin() + static_cast<std::ptrdiff_t>(k * p));
    intercepts[k] = parameters[k * q + p];
  }
  const auto local = [&](const Tile& tile, Stats& out) -> Result<void> {
    out.slopes.assign(n * p, 0.0);
    out.offsets.assign(n, 0.0);
    if (want == Want::kHessian) out.blocks.resize(n * (n + 1) / 2 * q * q);
    if (n == 1) {
      AddBinary(tile, weights, intercepts, want, out);
    } else {
      AddMultinomial(tile, weights, intercepts, want, out);
    }
    return {};
  };
  DML_TRY(const Stats stats, FoldTiles<Stats>(*source_, *execution_, local));
  LogisticValue out;
  out.value = stats.loss / total_weight_;
  out.lowest_margin = stats.lowest_margin;
  out.gradient.resize(size());
  for (std::size_t k = 0; k < n; ++k) {
    for (std::size_t j = 0; j < p; ++j) {
      out.gradient[k * q + j] = stats.slopes[k * p + j] / total_weight_;
    }
    out.gradient[k * q + p] = options_->fit_intercept ? stats.offsets[k] / total_weight_ : 0.0;
  }
  if (want == Want::kHessian) {
    out.hessian.assign(size() * size(), 0.0);
    const double* block = stats.blocks.data();
    for (std::size_t k = 0; k < n; ++k) {
      for (std::size_t l = k; l < n; ++l, block += q * q) {
        for (std::size_t i = 0; i < q; ++i) {
          for (std::size_t j = 0; j < q; ++j) {
            const bool frozen = !options_->fit_intercept && (i == p || j == p);
            const double h = frozen ? 0.0 : block[std::min(i, j) * q + std::max(i, j)];
            out.hessian[(k * q + i) * size() + l * q + j] = h / total_weight_;
          }
        }
      }
    }
    FixFreeDirections(out.hessian);
  }
  AddPenalty(parameters, out);
  return out;
}

std::unique_ptr<LogisticPredictor> LogisticObjective::MakePredictor(
    const std::vector<double>& parameters) const {
  const std::size_t p = features();
  LogisticPredictor::Parts parts{classes_, p, present_, {}, {}};
  for (std::size_t k = 0; k < outputs(); ++k) {
    double intercept = parameters[k * (p + 1) + p];
    for (std::size_t j = 0; j < p; ++j) {
      const double w = parameters[k * (p + 1) + j];
      parts.weights.push_back(w);
      intercept -= w * shift_[j];
    }
    parts.intercepts.push_back(intercept);
  }
  return std::make_unique<LogisticPredictor>(std::move(parts));
}

}  // namespace dml::learn

#include "plugins/learn/moments.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "plugins/learn/fit_loop.h"
#include "plugins/learn/kernels/dense.h"
#include "plugins/learn/kernels/tile_product.h"

namespace dml::learn {

namespace {

// The mean of the target relative to its first value, as for the columns.
double MeanOf(const std::vector<double>& values, const double* weight, double total) {
  double sum = 0.0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    sum += (weight != nullptr ? weight[i] : 1.0) * (values[i] - values.front());
  }
  return values.front() + sum / total;
}

Moments GramOfTile(const Tile& tile, bool with_target) {
  Moments out;
  out.rows = tile.rows;
  out.weight = TotalWeight(tile);
  if (out.weight <= 0.0) return out;
  thread_local std::vector<double> scratch;
  const std::size_t p = tile.features;
  const std::size_t q = p + (with_target ? 1 : 0);
  RowBlock block{DenseRows(tile, scratch), tile.rows, p, nullptr};
  out.mean.resize(q);
  ColumnMeans(block, WeightsOf(tile), out.mean.data());
  ExtraColumn extra;
  if (with_target) {
    out.mean[p] = MeanOf(tile.y, WeightsOf(tile), out.weight);
    extra = {tile.y.data(), out.mean[p]};
  }
  out.gram.resize(q * q);
  block.shift = out.mean.data();
  WeightedGram(block, extra, WeightsOf(tile), out.gram.data());
  return out;
}

// By ranges of rows that stay in the cache between the pass for the mean and that for the squares.
Moments DenseVariances(const Tile& tile) {
  Moments out;
  const std::size_t p = tile.features;
  ForEachRange(tile, [&](RowRange range) {
    const double* weight = tile.weight.empty() ? nullptr : tile.weight.data() + range.begin;
    Moments part;
    part.rows = range.size();
    part.weight = static_cast<double>(range.size());
    if (weight != nullptr) part.weight = std::accumulate(weight, weight + range.size(), 0.0);
    if (part.weight > 0.0) {
      part.mean.resize(p);
      part.gram.resize(p);
      RowBlock block{tile.x.data() + range.begin * p, range.size(), p, nullptr};
      ColumnMeans(block, weight, part.mean.data());
      block.shift = part.mean.data();
      ColumnSquares(block, weight, part.gram.data());
    }
    out.Merge(std::move(part));
  });
  return out;
}

// Deviations of the stored values plus those of the zeros, which are all the mean itself.
Moments SparseVariances(const Tile& tile) {
  Moments out;
  out.rows = tile.rows;
  out.weight = TotalWeight(tile);
  if (out.weight <= 0.0) return out;
  const std::size_t p = tile.features;
  out.mean.assign(p, 0.0);
  out.gram.assign(p, 0.0);
  std::vector<double> stored(p, 0.0);
  const auto each = [&](auto&& visit) {
    for (std::size_t r = 0; r < tile.rows; ++r) {
      const double w = tile.weight.empty() ? 1.0 : tile.weight[r];
      for (std::int64_t i = tile.offsets[r]; i < tile.offsets[r + 1]; ++i) {
        const auto at = static_cast<std::size_t>(i);
        visit(static_cast<std::size_t>(tile.indices[at]), w, tile.values[at]);
      }
    }
  };
  each([&](std::size_t j, double w, double v) {
    out.mean[j] += w * v;
    stored[j] += w;
  });
  for (double& m : out.mean) m /= out.weight;
  each([&](std::size_t j, double w, double v) {
    const double d = v - out.mean[j];
    out.gram[j] += w * (d * d);
  });
  for (std::size_t j = 0; j < p; ++j) {
    out.gram[j] += std::max(0.0, out.weight - stored[j]) * (out.mean[j] * out.mean[j]);
  }
  return out;
}

// Sums of squares that are no longer numbers would make every later answer one of nothing.
Result<Moments> CheckRange(Result<Moments> moments, const DataSource& source) {
  if (!moments.ok()) return moments;
  const std::size_t q = moments->mean.size();
  const std::size_t stride = moments->gram.size() == q ? 1 : q + 1;
  for (std::size_t j = 0; j < q; ++j) {
    if (std::isfinite(moments->mean[j]) && std::isfinite(moments->gram[j * stride])) continue;
    const std::vector<std::string>& names = source.feature_names();
    return Error::Invalid(
        fmt::format("the squares of {} are too large for a number",
                    j < names.size() ? fmt::format("'{}'", names[j]) : "the target"),
        "standardize the column, or clip it");
  }
  return moments;
}

}  // namespace

void Moments::Merge(Moments&& right) {
  if (right.mean.empty()) {  // no weight: only rows to count
    rows += right.rows;
    return;
  }
  if (mean.empty()) {
    const std::uint64_t before = rows;
    *this = std::move(right);
    rows += before;
    return;
  }
  const std::size_t q = mean.size();
  const double total = weight + right.weight;
  const double factor = weight / total * right.weight;
  std::vector<double> delta(q);
  for (std::size_t j = 0; j < q; ++j) delta[j] = right.mean[j] - mean[j];
  if (gram.size() == q) {
    for (std::size_t j = 0; j < q; ++j) {
      gram[j] += right.gram[j] + factor * (delta[j] * delta[j]);
    }
  } else {
    for (std::size_t i = 0; i < q; ++i) {
      for (std::size_t j = i; j < q; ++j) {
        gram[i * q + j] += right.gram[i * q + j] + factor * (delta[i] * delta[j]);
      }
    }
  }
  for (std::size_t j = 0; j < q; ++j) mean[j] += delta[j] * (right.weight / total);
  weight = total;
  rows += right.rows;
}

Result<Moments> FitMoments(const DataSource& source, MomentsOf what, const Execution& execution) {
  const bool with_target = what == MomentsOf::kFeaturesAndTarget;
  return CheckRange(FoldTiles<Moments>(source, execution,
                                       [&](const Tile& tile, Moments& out) -> Result<void> {
                                         if (with_target && tile.y.size() != tile.rows) {
                                           return Error::Invalid("the data has no target column",
                                                                 "name the column in 'target:'");
                                         }
                                         out = GramOfTile(tile, with_target);
                                         return {};
                                       }),
                    source);
}

Result<Moments> FitVariances(const DataSource& source, const Execution& execution) {
  return CheckRange(FoldTiles<Moments>(source, execution,
                                       [](const Tile& tile, Moments& out) -> Result<void> {
                                         out = tile.sparse() ? SparseVariances(tile)
                                                             : DenseVariances(tile);
                                         return {};
                                       }),
                    source);
}

const double* DenseRows(const Tile& tile, std::vector<double>& scratch) {
  if (!tile.sparse()) return tile.x.data();
  scratch.assign(tile.rows * tile.features, 0.0);
  for (std::size_t r = 0; r < tile.rows; ++r) {
    for (std::int64_t i = tile.offsets[r]; i < tile.offsets[r + 1]; ++i) {
      const auto at = static_cast<std::size_t>(i);
      scratch[r * tile.features + static_cast<std::size_t>(tile.indices[at])] += tile.values[at];
    }
  }
  return scratch.data();
}

double TotalWeight(const Tile& tile) {
  if (tile.weight.empty()) return static_cast<double>(tile.rows);
  double total = 0.0;
  for (const double w : tile.weight) total += w;
  return total;
}

}  // namespace dml::learn

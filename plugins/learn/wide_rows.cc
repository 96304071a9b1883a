#include "plugins/learn/wide_rows.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "plugins/learn/fit_loop.h"
#include "plugins/learn/kernels/dense.h"
#include "plugins/learn/merge_tree.h"
#include "plugins/learn/moments.h"
#include "plugins/learn/row_sample.h"

namespace dml::learn {

namespace {

constexpr std::size_t kFeaturesMin = 256;  // below, either way takes no time
constexpr std::uint64_t kCellsMax = 100'000'000;

struct GramSum {
  std::vector<double> gram;

  void Merge(GramSum&& right) {
    for (std::size_t i = 0; i < gram.size(); ++i) gram[i] += right.gram[i];
  }
};

double WeightedMean(const std::vector<double>& values, const std::vector<double>& roots) {
  // Relative to the first value: exact for a constant.
  double sum = 0.0;
  double weight = 0.0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double w = roots[i] * roots[i];
    sum += w * (values[i] - values[0]);
    weight += w;
  }
  return values[0] + sum / weight;
}

Result<void> TakeTarget(std::vector<double> y, bool centred, WideRows& out) {
  if (y.size() != out.rows) {
    return Error::Invalid("the data has no target column", "name the column in 'target:'");
  }
  if (centred) out.target_mean = WeightedMean(y, out.root_weight);
  out.target = std::move(y);
  double squares = 0.0;
  for (std::size_t i = 0; i < out.rows; ++i) {
    out.target[i] = out.root_weight[i] * (out.target[i] - out.target_mean);
    squares += out.target[i] * out.target[i];
  }
  if (std::isfinite(squares)) return {};
  return Error::Invalid("the squares of the target are too large for a number",
                        "standardize the column, or clip it");
}

RowBlock Block(const WideRows& wide, std::size_t first, std::size_t last,
               const std::vector<double>& zeros) {
  return {wide.by_feature.data() + first * wide.rows, last - first, wide.rows, zeros.data()};
}

}  // namespace

bool IsWide(std::uint64_t rows, std::size_t features) {
  return features >= kFeaturesMin && rows <= features / 2 && rows * features <= kCellsMax;
}

Result<WideRows> GatherWide(const DataSource& source, bool with_target, bool centred,
                            const Execution& execution) {
  WideRows out;
  out.features = source.feature_names().size();
  DML_TRY(Moments moments, FitVariances(source, execution));
  out.rows_seen = moments.rows;
  if (moments.mean.empty()) return out;
  out.weight = moments.weight;
  out.mean = std::move(moments.mean);
  if (!centred) std::ranges::fill(out.mean, 0.0);
  DML_TRY(const MatrixSource kept, SampleRows(source, {}, execution));
  out.rows = static_cast<std::size_t>(kept.rows());
  out.by_feature.resize(out.rows * out.features);
  std::vector<double> y;
  std::vector<double> dense;
  Tile scratch;
  for (std::size_t t = 0; t < kept.tile_count(); ++t) {
    DML_TRY(const Tile* tile, kept.View(t, scratch));
    const double* x = DenseRows(*tile, dense);
    y.insert(y.end(), tile->y.begin(), tile->y.end());
    for (std::size_t r = 0; r < tile->rows; ++r) {
      const double root = std::sqrt(tile->weight[r]);
      const std::size_t i = out.root_weight.size();
      out.root_weight.push_back(root);
      for (std::size_t j = 0; j < out.features; ++j) {
        out.by_feature[j * out.rows + i] = root * (x[r * out.features + j] - out.mean[j]);
      }
    }
  }
  if (with_target) DML_RETURN_IF_ERROR(TakeTarget(std::move(y), centred, out));
  return out;
}

Result<std::vector<double>> RowGram(const WideRows& wide, const Execution& execution) {
  const std::size_t tiles = (wide.features + kTileRows - 1) / kTileRows;
  const std::vector<double> zeros(wide.rows, 0.0);
  MergeTree<GramSum> tree(tiles);
  const auto work = [&](std::size_t t) -> Result<void> {
    GramSum sum;
    sum.gram.resize(wide.rows * wide.rows);
    const std::size_t last = std::min(wide.features, (t + 1) * kTileRows);
    WeightedGram(Block(wide, t * kTileRows, last, zeros), {}, nullptr, sum.gram.data());
    tree.Add(0, t, std::move(sum));
    return {};
  };
  DML_RETURN_IF_ERROR(ForEachTile(0, tiles, execution, work));
  auto nodes = tree.Take();
  std::vector<double> gram = std::move(nodes.begin()->second.gram);
  for (std::size_t i = 0; i < wide.rows; ++i) {
    if (std::isfinite(gram[i * wide.rows + i])) continue;
    return Error::Invalid("the squares of the features are too large for a number",
                          "standardize the columns, or clip them");
  }
  return gram;
}

std::vector<double> ToFeatures(const WideRows& wide, const double* a) {
  const std::vector<double> zeros(wide.rows, 0.0);
  const double bias = 0.0;
  std::vector<double> out(wide.features);
  AffineRows(Block(wide, 0, wide.features, zeros), a, &bias, 1, out.data());
  return out;
}

std::vector<double> ToRows(const WideRows& wide, const std::vector<double>& w) {
  const std::vector<double> zeros(wide.rows, 0.0);
  std::vector<double> out(wide.rows, 0.0);
  TransposedProduct(Block(wide, 0, wide.features, zeros), w.data(), 1, out.data());
  return out;
}

}  // namespace dml::learn

#include "plugins/learn/cluster/row_distances.h"

#include <algorithm>

#include "plugins/learn/kernels/dense.h"
#include "plugins/learn/kernels/nearest.h"
#include "plugins/learn/kernels/tile_product.h"
#include "plugins/learn/moments.h"

namespace dml::learn {

namespace {

// ||c||^2 - 2 x'c as an affine function of x, per point.
struct DistanceForm {
  std::vector<double> coefficients;
  std::vector<double> bias;
};

DistanceForm FormOf(const Points& points, std::size_t p) {
  DistanceForm form{std::vector<double>(points.count * p), std::vector<double>(points.count)};
  const std::vector<double> zeros(p, 0.0);
  for (std::size_t k = 0; k < points.count; ++k) {
    form.bias[k] = SquaredDistance(points.at.data() + k * p, zeros.data(), p);
    for (std::size_t j = 0; j < p; ++j) form.coefficients[k * p + j] = -2.0 * points.at[k * p + j];
  }
  return form;
}

void AddSparseSums(const Tile& tile, const std::vector<int>& labels, double* sums) {
  for (std::size_t r = 0; r < tile.rows; ++r) {
    const double w = tile.weight.empty() ? 1.0 : tile.weight[r];
    double* to = sums + static_cast<std::size_t>(labels[r]) * tile.features;
    for (std::int64_t i = tile.offsets[r]; i < tile.offsets[r + 1]; ++i) {
      const auto at = static_cast<std::size_t>(i);
      to[static_cast<std::size_t>(tile.indices[at])] += w * tile.values[at];
    }
  }
}

}  // namespace

void ShiftedDistances(const Tile& tile, const Points& points, double* out) {
  const DistanceForm form = FormOf(points, tile.features);
  TileAffine(tile, points.shift->data(), form.coefficients.data(), form.bias.data(), points.count,
             out);
}

void AssignToNearest(const Tile& tile, const Points& points, std::vector<int>& labels,
                     std::vector<double>& lowest, double* sums) {
  labels.resize(tile.rows);
  lowest.resize(tile.rows);
  if (!tile.sparse()) {
    const DistanceForm form = FormOf(points, tile.features);
    AssignRows({tile.x.data(), tile.rows, tile.features, points.shift->data()},
               form.coefficients.data(), form.bias.data(), points.count, WeightsOf(tile),
               {labels.data(), lowest.data(), sums});
    return;
  }
  thread_local std::vector<double> distances;
  distances.resize(tile.rows * points.count);
  ShiftedDistances(tile, points, distances.data());
  for (std::size_t r = 0; r < tile.rows; ++r) {
    const double* row = distances.data() + r * points.count;
    std::size_t best = 0;
    for (std::size_t k = 1; k < points.count; ++k) best = row[k] < row[best] ? k : best;
    labels[r] = static_cast<int>(best);
    lowest[r] = row[best];
  }
  if (sums != nullptr) AddSparseSums(tile, labels, sums);
}

void RowNorms(const Tile& tile, const std::vector<double>& shift, double* out) {
  for (std::size_t r = 0; r < tile.rows; ++r) {
    if (!tile.sparse()) {
      out[r] = ExactDistance(tile, r, shift.data());
      continue;
    }
    // The shift is zero: what is not stored adds nothing.
    out[r] = 0.0;
    for (std::int64_t i = tile.offsets[r]; i < tile.offsets[r + 1]; ++i) {
      const double value = tile.values[static_cast<std::size_t>(i)];
      out[r] += value * value;
    }
  }
}

std::vector<double> ShiftedRow(const Tile& tile, std::size_t r, const std::vector<double>& shift) {
  std::vector<double> out(tile.features, 0.0);
  if (tile.sparse()) {
    for (std::int64_t i = tile.offsets[r]; i < tile.offsets[r + 1]; ++i) {
      const auto at = static_cast<std::size_t>(i);
      out[static_cast<std::size_t>(tile.indices[at])] += tile.values[at];
    }
    return out;
  }
  for (std::size_t j = 0; j < tile.features; ++j) {
    out[j] = tile.x[r * tile.features + j] - shift[j];
  }
  return out;
}

double ExactDistance(const Tile& tile, std::size_t r, const double* centre) {
  const std::size_t p = tile.features;
  if (!tile.sparse()) return SquaredDistance(tile.x.data() + r * p, centre, p);
  // Of a hundred thousand features, a row that is cleared as a whole costs more than it tells.
  thread_local std::vector<double> spread;  // zeros between calls
  if (spread.size() != p) spread.assign(p, 0.0);
  for (std::int64_t i = tile.offsets[r]; i < tile.offsets[r + 1]; ++i) {
    const auto at = static_cast<std::size_t>(i);
    spread[static_cast<std::size_t>(tile.indices[at])] += tile.values[at];
  }
  const double distance = SquaredDistance(spread.data(), centre, p);
  for (std::int64_t i = tile.offsets[r]; i < tile.offsets[r + 1]; ++i) {
    spread[static_cast<std::size_t>(tile.indices[static_cast<std::size_t>(i)])] = 0.0;
  }
  return distance;
}

}  // namespace dml::learn

#include "plugins/learn/cluster/row_distances.h"

#include <algorithm>

#include "plugins/learn/kernels/dense.h"
#include "plugins/learn/kernels/tile_product.h"

namespace dml::learn {

void ShiftedDistances(const Tile& tile, const Points& points, double* out) {
  const std::size_t p = tile.features;
  std::vector<double> coefficients(points.count * p);
  std::vector<double> bias(points.count);
  const std::vector<double> zeros(p, 0.0);
  for (std::size_t k = 0; k < points.count; ++k) {
    bias[k] = SquaredDistance(points.at.data() + k * p, zeros.data(), p);
    for (std::size_t j = 0; j < p; ++j) coefficients[k * p + j] = -2.0 * points.at[k * p + j];
  }
  TileAffine(tile, points.shift->data(), coefficients.data(), bias.data(), points.count, out);
}

void RowNorms(const Tile& tile, const std::vector<double>& shift, double* out) {
  for (std::size_t r = 0; r < tile.rows; ++r) out[r] = ExactDistance(tile, r, shift.data());
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
  const std::vector<double> row = ShiftedRow(tile, r, {});
  return SquaredDistance(row.data(), centre, p);
}

}  // namespace dml::learn

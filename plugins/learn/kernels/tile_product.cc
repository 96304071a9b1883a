#include "plugins/learn/kernels/tile_product.h"

#include "plugins/learn/kernels/dense.h"

namespace dml::learn {

void TileAffine(const Tile& tile, const double* shift, const double* coefficients,
                const double* bias, std::size_t outputs, double* out) {
  TileAffine(tile, {0, tile.rows}, shift, coefficients, bias, outputs, out);
}

void TileAffine(const Tile& tile, RowRange rows, const double* shift, const double* coefficients,
                const double* bias, std::size_t outputs, double* out) {
  const std::size_t p = tile.features;
  if (!tile.sparse()) {
    AffineRows({tile.x.data() + rows.begin * p, rows.size(), p, shift}, coefficients, bias, outputs,
               out);
    return;
  }
  for (std::size_t r = rows.begin; r < rows.end; ++r) {
    const auto begin = static_cast<std::size_t>(tile.offsets[r]);
    const auto end = static_cast<std::size_t>(tile.offsets[r + 1]);
    for (std::size_t k = 0; k < outputs; ++k) {
      double sum = bias[k];
      for (std::size_t i = begin; i < end; ++i) {
        sum += tile.values[i] * coefficients[k * p + static_cast<std::size_t>(tile.indices[i])];
      }
      out[(r - rows.begin) * outputs + k] = sum;
    }
  }
}

void TileTransposed(const Tile& tile, RowRange rows, const double* shift, const double* factors,
                    std::size_t outputs, double* sums) {
  const std::size_t p = tile.features;
  if (!tile.sparse()) {
    TransposedProduct({tile.x.data() + rows.begin * p, rows.size(), p, shift}, factors, outputs,
                      sums);
    return;
  }
  for (std::size_t r = rows.begin; r < rows.end; ++r) {
    const auto begin = static_cast<std::size_t>(tile.offsets[r]);
    const auto end = static_cast<std::size_t>(tile.offsets[r + 1]);
    for (std::size_t k = 0; k < outputs; ++k) {
      const double factor = factors[(r - rows.begin) * outputs + k];
      for (std::size_t i = begin; i < end; ++i) {
        sums[k * p + static_cast<std::size_t>(tile.indices[i])] += factor * tile.values[i];
      }
    }
  }
}

}  // namespace dml::learn

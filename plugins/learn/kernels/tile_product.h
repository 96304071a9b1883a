#pragma once

#include <algorithm>
#include <cstddef>

#include "plugins/learn/data_source.h"

namespace dml::learn {

// The two products every linear model needs, for dense and sparse tiles alike. Coefficients are
// outputs x features, row-major. `shift` (features values) is subtracted from dense rows; sparse
// rows take no shift, so it must be zero for them.

// Consecutive rows of a tile. Work that goes over a tile more than once takes it by ranges of
// kRangeRows: these stay in a core's own cache, a whole dense tile does not.
struct RowRange {
  std::size_t begin = 0;
  std::size_t end = 0;
  [[nodiscard]] std::size_t size() const { return end - begin; }
};
inline constexpr std::size_t kRangeRows = 128;

// Calls visit(RowRange) for the ranges of a tile in order.
template <typename Visit>
void ForEachRange(const Tile& tile, const Visit& visit) {
  for (std::size_t begin = 0; begin < tile.rows; begin += kRangeRows) {
    visit(RowRange{begin, std::min(tile.rows, begin + kRangeRows)});
  }
}

// out[rows x outputs] = bias + (X - shift) coefficients', for the rows of the range.
void TileAffine(const Tile& tile, RowRange rows, const double* shift, const double* coefficients,
                const double* bias, std::size_t outputs, double* out);
void TileAffine(const Tile& tile, const double* shift, const double* coefficients,
                const double* bias, std::size_t outputs, double* out);

// sums[outputs x features] += factors' (X - shift), factors being rows of the range x outputs.
void TileTransposed(const Tile& tile, RowRange rows, const double* shift, const double* factors,
                    std::size_t outputs, double* sums);

}  // namespace dml::learn

#pragma once

#include <span>
#include <vector>

#include "plugins/learn/data_source.h"

namespace dml::learn {

// The two products every linear model needs, for dense and sparse tiles alike. Coefficients are
// outputs x features, row-major. `shift` (features values) is subtracted from dense rows; sparse
// rows take no shift, so it must be zero for them.

// out[rows x outputs] = bias + (X - shift) coefficients'.
void TileAffine(const Tile& tile, const double* shift, const double* coefficients,
                const double* bias, std::size_t outputs, double* out);

// sums[outputs x features] += factors' (X - shift), factors being rows x outputs.
void TileTransposed(const Tile& tile, const double* shift, const double* factors,
                    std::size_t outputs, double* sums);

}  // namespace dml::learn

#pragma once

#include <cstddef>

#include "plugins/learn/kernels/dense.h"

namespace dml::learn {

// What AssignRows writes, one entry per row; the sums are per point and added to.
struct NearestOutput {
  int* labels = nullptr;
  double* lowest = nullptr;
  double* sums = nullptr;  // points x features; null: not wanted
};

// For each row of the block the point k with the lowest bias[k] + (x - shift) coefficients_k', ties
// to the lower k: `labels` and that value. The weighted shifted rows are added to the sums of their
// point, rows in order. One reading of the block's memory. `weight` may be null. The same bits on
// every target with FMA; thread-safe.
void AssignRows(const RowBlock& block, const double* coefficients, const double* bias,
                std::size_t points, const double* weight, const NearestOutput& out);

}  // namespace dml::learn

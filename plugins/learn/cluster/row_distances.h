#pragma once

#include <cstddef>
#include <vector>

#include "plugins/learn/data_source.h"

namespace dml::learn {

// Points that rows are compared with, in coordinates from which `shift` is subtracted: near the
// origin, so that ||x||^2 - 2 x'c + ||c||^2 does not cancel.
struct Points {
  const std::vector<double>* shift = nullptr;  // features; zeros for sparse data
  std::vector<double> at;                      // count x features, shifted
  std::size_t count = 0;
};

// out[r * count + k] = ||c_k||^2 - 2 x_r'c_k: the squared distance without ||x_r||^2, which does
// not matter for the nearest point.
void ShiftedDistances(const Tile& tile, const Points& points, double* out);

// The nearest point of each row, ties to the lower index; `lowest` is its distance without the
// row's norm. `sums` (count x features), unless null, receives the weighted shifted rows of each
// point on top of what it holds.
void AssignToNearest(const Tile& tile, const Points& points, std::vector<int>& labels,
                     std::vector<double>& lowest, double* sums);

// ||x_r - shift||^2 per row.
void RowNorms(const Tile& tile, const std::vector<double>& shift, double* out);

// Row r of the tile, dense and shifted.
std::vector<double> ShiftedRow(const Tile& tile, std::size_t r, const std::vector<double>& shift);

// ||x_r - centre||^2 without cancellation; `centre` is not shifted.
double ExactDistance(const Tile& tile, std::size_t r, const double* centre);

}  // namespace dml::learn

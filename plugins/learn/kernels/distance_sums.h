#pragma once

#include <cstddef>

namespace dml::learn {

// Points that rows are compared with at once, side by side: value j of point l is at
// values[j * kPanelPoints + l].
inline constexpr std::size_t kPanelPoints = 16;
struct PointPanel {
  const double* values = nullptr;  // features x kPanelPoints
  const double* weight = nullptr;  // kPanelPoints; 0 leaves a point out
};

// A block of rows for AddDistances is a multiple of this.
inline constexpr std::size_t kDistanceRows = 8;

// sums[r * kPanelPoints + l] += weight[l] * ||x_r - point_l||, from the differences themselves:
// rows that are far from the origin, or near each other, lose no digits. `x` is row-major. The same
// bits on every target with FMA; thread-safe.
void AddDistances(const double* x, std::size_t rows, std::size_t features, const PointPanel& panel,
                  double* sums);

}  // namespace dml::learn

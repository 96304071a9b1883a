#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace dml::learn {

// The dense kernels, compiled for several instruction sets and chosen at run time (Highway). Every
// output element is accumulated in a fixed order with fused multiply-add, so the vector width does
// not change a bit: AVX2 and AVX-512 agree. A machine without FMA gives other bits; Arithmetic()
// says which kind this is. All matrices are row-major doubles without padding; no kernel keeps
// state, all are thread-safe.

// "fma" or "separate": recorded in models, because their bits depend on it.
[[nodiscard]] std::string_view Arithmetic();

// A block of rows. `shift` (features values) is subtracted from every row before use.
struct RowBlock {
  const double* x = nullptr;
  std::size_t rows = 0;
  std::size_t features = 0;
  const double* shift = nullptr;  // never null: pass zeros for none
};

// Weighted means per column; exact for constant columns because sums are taken relative to the
// first row. `weight` may be null. The sum of the weights must not be zero. Ignores block.shift.
void ColumnMeans(const RowBlock& block, const double* weight, double* mean);

// squares[j] = sum_r w_r (x_rj - shift_j)^2, rows in order. `weight` may be null.
void ColumnSquares(const RowBlock& block, const double* weight, double* squares);

// One more column next to those of the block, such as the target or the ones of an intercept.
struct ExtraColumn {
  const double* values = nullptr;  // null: none
  double shift = 0.0;
};

// Upper triangle of sum_r w_r z_r z_r', z = (x - shift, extra - shift), into gram[q x q], with
// q = features + (extra ? 1 : 0). Overwrites; the lower triangle becomes zero. `weight` may be null
// and negative. Register-blocked, packs blocks of rows into panels: O(rows q^2 / 2).
void WeightedGram(const RowBlock& block, const ExtraColumn& extra, const double* weight,
                  double* gram);

// out[r * outputs + k] = bias[k] + sum_j (x_rj - shift_j) * coefficients[k * features + j].
void AffineRows(const RowBlock& block, const double* coefficients, const double* bias,
                std::size_t outputs, double* out);

// sums[k * features + j] += sum_r factors[r * outputs + k] * (x_rj - shift_j), rows in order.
void TransposedProduct(const RowBlock& block, const double* factors, std::size_t outputs,
                       double* sums);

// sum_j (a_j - b_j)^2 in eight interleaved partial sums.
[[nodiscard]] double SquaredDistance(const double* a, const double* b, std::size_t n);

}  // namespace dml::learn

#include <hwy/aligned_allocator.h>

#include <algorithm>

#include "plugins/learn/kernels/dense.h"
#include "plugins/learn/kernels/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "plugins/learn/kernels/rows.cc"
#include <hwy/foreach_target.h>
// foreach_target.h must come before highway.h.
#include <hwy/highway.h>

#include "plugins/learn/kernels/rows-inl.h"

HWY_BEFORE_NAMESPACE();
namespace dml::learn {
namespace HWY_NAMESPACE {
namespace {

// Sums along a row run in eight interleaved partial sums on every target, so that the result does
// not depend on the vector width.
constexpr std::size_t kPartials = 8;
constexpr std::size_t kParts = kPartials / kLanes;

HWY_INLINE double AddPartials(const Vec (&sum)[kParts]) {
  const Lane d;
  HWY_ALIGN double s[kPartials];
  for (std::size_t v = 0; v < kParts; ++v) hn::Store(sum[v], d, s + v * kLanes);
  return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
}

// The values [j, n) of a row, zero-padded to kPartials.
HWY_INLINE void LoadTail(const double* row, std::size_t j, std::size_t n, double* out) {
  std::fill(out, out + kPartials, 0.0);
  std::copy(row + j, row + n, out);
}

double RowDot(const double* HWY_RESTRICT row, const double* HWY_RESTRICT shift,
              const double* HWY_RESTRICT w, std::size_t n) {
  const Lane d;
  Vec sum[kParts];
  for (std::size_t v = 0; v < kParts; ++v) sum[v] = hn::Zero(d);
  std::size_t j = 0;
  for (; j + kPartials <= n; j += kPartials) {
    for (std::size_t v = 0; v < kParts; ++v) {
      const std::size_t at = j + v * kLanes;
      const Vec x = hn::Sub(hn::LoadU(d, row + at), hn::LoadU(d, shift + at));
      sum[v] = hn::MulAdd(x, hn::LoadU(d, w + at), sum[v]);
    }
  }
  if (j < n) {
    HWY_ALIGN double tail[3][kPartials];
    LoadTail(row, j, n, tail[0]);
    LoadTail(shift, j, n, tail[1]);
    LoadTail(w, j, n, tail[2]);
    for (std::size_t v = 0; v < kParts; ++v) {
      const std::size_t at = v * kLanes;
      const Vec x = hn::Sub(hn::Load(d, tail[0] + at), hn::Load(d, tail[1] + at));
      sum[v] = hn::MulAdd(x, hn::Load(d, tail[2] + at), sum[v]);
    }
  }
  return AddPartials(sum);
}

double Distance(const double* HWY_RESTRICT a, const double* HWY_RESTRICT b, std::size_t n) {
  const Lane d;
  Vec sum[kParts];
  for (std::size_t v = 0; v < kParts; ++v) sum[v] = hn::Zero(d);
  std::size_t j = 0;
  for (; j + kPartials <= n; j += kPartials) {
    for (std::size_t v = 0; v < kParts; ++v) {
      const std::size_t at = j + v * kLanes;
      const Vec x = hn::Sub(hn::LoadU(d, a + at), hn::LoadU(d, b + at));
      sum[v] = hn::MulAdd(x, x, sum[v]);
    }
  }
  if (j < n) {
    HWY_ALIGN double tail[2][kPartials];
    LoadTail(a, j, n, tail[0]);
    LoadTail(b, j, n, tail[1]);
    for (std::size_t v = 0; v < kParts; ++v) {
      const Vec x = hn::Sub(hn::Load(d, tail[0] + v * kLanes), hn::Load(d, tail[1] + v * kLanes));
      sum[v] = hn::MulAdd(x, x, sum[v]);
    }
  }
  return AddPartials(sum);
}

void AffineManyOutputs(const RowBlock& block, const double* coefficients, const double* bias,
                       std::size_t outputs, double* out) {
  const std::size_t p = block.features;
  const std::size_t panels = PanelsOf(outputs);
  const auto packed = PackOutputs(coefficients, bias, outputs, p, 0.0);
  auto shifted = hwy::AllocateAligned<double>(std::max<std::size_t>(1, kHeight * p));
  std::fill(shifted.get(), shifted.get() + kHeight * p, 0.0);
  HWY_ALIGN double result[kHeight * kWidth];
  for (std::size_t begin = 0; begin < block.rows; begin += kHeight) {
    const std::size_t rows = std::min(kHeight, block.rows - begin);
    for (std::size_t i = 0; i < rows; ++i) {
      ShiftRow(block.x + (begin + i) * p, block.shift, p, shifted.get() + i * p);
    }
    for (std::size_t panel = 0; panel < panels; ++panel) {
      const double* next = block.x + std::min(begin + kHeight, block.rows - 1) * p;
      MultiplyRows(shifted.get(), p, p, packed.get() + panel * (p + 1) * kWidth, next, result);
      const std::size_t width = std::min(kWidth, outputs - panel * kWidth);
      for (std::size_t i = 0; i < rows; ++i) {
        std::copy(result + i * kWidth, result + i * kWidth + width,
                  out + (begin + i) * outputs + panel * kWidth);
      }
    }
  }
}

void AffineOfBlock(const RowBlock& block, const double* coefficients, const double* bias,
                   std::size_t outputs, double* out) {
  if (outputs != 1) return AffineManyOutputs(block, coefficients, bias, outputs, out);
  for (std::size_t r = 0; r < block.rows; ++r) {
    const double* row = block.x + r * block.features;
    out[r] = bias[0] + RowDot(row, block.shift, coefficients, block.features);
  }
}

// sums += factor * (row - shift)
HWY_INLINE void AddScaled(const double* HWY_RESTRICT row, const double* HWY_RESTRICT shift,
                          double factor, std::size_t n, double* HWY_RESTRICT sums) {
  const Lane d;
  const Vec f = hn::Set(d, factor);
  std::size_t j = 0;
  for (; j + kLanes <= n; j += kLanes) {
    const Vec x = hn::Sub(hn::LoadU(d, row + j), hn::LoadU(d, shift + j));
    hn::StoreU(hn::MulAdd(f, x, hn::LoadU(d, sums + j)), d, sums + j);
  }
  if (j < n) {
    // The last few through a whole vector: scalar code would not fuse on every target.
    HWY_ALIGN double tail[3][kPartials] = {};
    std::copy(row + j, row + n, tail[0]);
    std::copy(shift + j, shift + n, tail[1]);
    std::copy(sums + j, sums + n, tail[2]);
    const Vec x = hn::Sub(hn::Load(d, tail[0]), hn::Load(d, tail[1]));
    hn::Store(hn::MulAdd(f, x, hn::Load(d, tail[2])), d, tail[2]);
    std::copy(tail[2], tail[2] + (n - j), sums + j);
  }
}

void TransposedOfBlock(const RowBlock& block, const double* factors, std::size_t outputs,
                       double* sums) {
  const std::size_t p = block.features;
  for (std::size_t r = 0; r < block.rows; ++r) {
    for (std::size_t k = 0; k < outputs; ++k) {
      AddScaled(block.x + r * p, block.shift, factors[r * outputs + k], p, sums + k * p);
    }
  }
}

void MeansOfBlock(const RowBlock& block, const double* weight, double* mean) {
  const std::size_t p = block.features;
  std::fill(mean, mean + p, 0.0);
  double total = 0.0;
  for (std::size_t r = 0; r < block.rows; ++r) {
    const double w = weight != nullptr ? weight[r] : 1.0;
    total += w;
    AddScaled(block.x + r * p, block.x, w, p, mean);
  }
  for (std::size_t j = 0; j < p; ++j) mean[j] = block.x[j] + mean[j] / total;
}

// squares += w * (row - shift)^2
HWY_INLINE void AddSquares(const double* HWY_RESTRICT row, const double* HWY_RESTRICT shift,
                           double w, std::size_t n, double* HWY_RESTRICT squares) {
  const Lane d;
  const Vec f = hn::Set(d, w);
  const auto add = [&](Vec x, Vec s, Vec sum) {
    const Vec apart = hn::Sub(x, s);
    return hn::MulAdd(hn::Mul(f, apart), apart, sum);
  };
  std::size_t j = 0;
  for (; j + kLanes <= n; j += kLanes) {
    hn::StoreU(add(hn::LoadU(d, row + j), hn::LoadU(d, shift + j), hn::LoadU(d, squares + j)), d,
               squares + j);
  }
  if (j < n) {
    HWY_ALIGN double tail[3][kPartials] = {};
    std::copy(row + j, row + n, tail[0]);
    std::copy(shift + j, shift + n, tail[1]);
    std::copy(squares + j, squares + n, tail[2]);
    hn::Store(add(hn::Load(d, tail[0]), hn::Load(d, tail[1]), hn::Load(d, tail[2])), d, tail[2]);
    std::copy(tail[2], tail[2] + (n - j), squares + j);
  }
}

void SquaresOfBlock(const RowBlock& block, const double* weight, double* squares) {
  const std::size_t p = block.features;
  std::fill(squares, squares + p, 0.0);
  for (std::size_t r = 0; r < block.rows; ++r) {
    AddSquares(block.x + r * p, block.shift, weight != nullptr ? weight[r] : 1.0, p, squares);
  }
}

bool HasFma() { return HWY_NATIVE_FMA != 0; }

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace dml::learn
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace dml::learn {

HWY_EXPORT(Distance);
HWY_EXPORT(AffineOfBlock);
HWY_EXPORT(TransposedOfBlock);
HWY_EXPORT(MeansOfBlock);
HWY_EXPORT(SquaresOfBlock);
HWY_EXPORT(HasFma);

std::string_view Arithmetic() { return HWY_DYNAMIC_DISPATCH(HasFma)() ? "fma" : "separate"; }

void ColumnMeans(const RowBlock& block, const double* weight, double* mean) {
  HWY_DYNAMIC_DISPATCH(MeansOfBlock)(block, weight, mean);
}

void ColumnSquares(const RowBlock& block, const double* weight, double* squares) {
  HWY_DYNAMIC_DISPATCH(SquaresOfBlock)(block, weight, squares);
}

void AffineRows(const RowBlock& block, const double* coefficients, const double* bias,
                std::size_t outputs, double* out) {
  HWY_DYNAMIC_DISPATCH(AffineOfBlock)(block, coefficients, bias, outputs, out);
}

void TransposedProduct(const RowBlock& block, const double* factors, std::size_t outputs,
                       double* sums) {
  HWY_DYNAMIC_DISPATCH(TransposedOfBlock)(block, factors, outputs, sums);
}

double SquaredDistance(const double* a, const double* b, std::size_t n) {
  return HWY_DYNAMIC_DISPATCH(Distance)(a, b, n);
}

}  // namespace dml::learn
#endif

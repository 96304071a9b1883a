// What the kernels over rows share, per instruction set: include it where <hwy/highway.h> may be
// included. Everything here is in dml::learn::HWY_NAMESPACE.

#if defined(DML_LEARN_KERNELS_ROWS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef DML_LEARN_KERNELS_ROWS_INL_H_
#undef DML_LEARN_KERNELS_ROWS_INL_H_
#else
#define DML_LEARN_KERNELS_ROWS_INL_H_
#endif

#include <hwy/aligned_allocator.h>
#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include <algorithm>
#include <cstddef>

HWY_BEFORE_NAMESPACE();
namespace dml::learn {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using Lane = hn::CappedTag<double, 8>;
using Vec = hn::Vec<Lane>;

// A register block is kHeight rows x kWidth outputs: 16 accumulators with AVX-512, 8 with AVX2.
inline constexpr std::size_t kLanes = hn::MaxLanes(Lane());
inline constexpr std::size_t kHeight = kLanes;
inline constexpr std::size_t kWidth = 2 * kLanes;

inline std::size_t PanelsOf(std::size_t outputs) { return (outputs + kWidth - 1) / kWidth; }

// The bias and then the coefficients of kWidth outputs side by side: PanelsOf(outputs) panels of
// (features + 1) x kWidth. Outputs that do not exist have `absent` as their bias and zeros.
inline hwy::AlignedFreeUniquePtr<double[]> PackOutputs(const double* coefficients,
                                                       const double* bias, std::size_t outputs,
                                                       std::size_t features, double absent) {
  const std::size_t size = (features + 1) * kWidth;
  auto packed = hwy::AllocateAligned<double>(PanelsOf(outputs) * size);
  for (std::size_t panel = 0; panel < PanelsOf(outputs); ++panel) {
    double* to = packed.get() + panel * size;
    std::fill(to, to + kWidth, absent);
    std::fill(to + kWidth, to + size, 0.0);
    for (std::size_t l = 0; l < kWidth && panel * kWidth + l < outputs; ++l) {
      const std::size_t k = panel * kWidth + l;
      to[l] = bias[k];
      for (std::size_t j = 0; j < features; ++j) {
        to[(j + 1) * kWidth + l] = coefficients[k * features + j];
      }
    }
  }
  return packed;
}

// out[kHeight x kWidth] of one panel and kHeight rows, `stride` apart, along their features in
// order. Fetches `ahead` into the cache meanwhile, a line per feature: the memory that the caller
// reads next.
HWY_INLINE void MultiplyRows(const double* HWY_RESTRICT rows, std::size_t stride,
                             std::size_t features, const double* HWY_RESTRICT panel,
                             const double* ahead, double* HWY_RESTRICT out) {
  constexpr std::size_t kLine = 64 / sizeof(double);
  const Lane d;
  Vec sum[kHeight][2];
  HWY_UNROLL(8)
  for (std::size_t i = 0; i < kHeight; ++i) {
    sum[i][0] = hn::Load(d, panel);
    sum[i][1] = hn::Load(d, panel + kLanes);
  }
  for (std::size_t j = 0; j < features; ++j) {
    hwy::Prefetch(ahead + j * kLine);
    const Vec c0 = hn::Load(d, panel + (j + 1) * kWidth);
    const Vec c1 = hn::Load(d, panel + (j + 1) * kWidth + kLanes);
    HWY_UNROLL(8)
    for (std::size_t i = 0; i < kHeight; ++i) {
      const Vec x = hn::Set(d, rows[i * stride + j]);
      sum[i][0] = hn::MulAdd(x, c0, sum[i][0]);
      sum[i][1] = hn::MulAdd(x, c1, sum[i][1]);
    }
  }
  HWY_UNROLL(8)
  for (std::size_t i = 0; i < kHeight; ++i) {
    hn::Store(sum[i][0], d, out + i * kWidth);
    hn::Store(sum[i][1], d, out + i * kWidth + kLanes);
  }
}

HWY_INLINE void ShiftRow(const double* HWY_RESTRICT row, const double* HWY_RESTRICT shift,
                         std::size_t n, double* HWY_RESTRICT out) {
  const Lane d;
  std::size_t j = 0;
  for (; j + kLanes <= n; j += kLanes) {
    hn::StoreU(hn::Sub(hn::LoadU(d, row + j), hn::LoadU(d, shift + j)), d, out + j);
  }
  for (; j < n; ++j) out[j] = row[j] - shift[j];
}

}  // namespace HWY_NAMESPACE
}  // namespace dml::learn
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard

#include "plugins/learn/kernels/nearest.h"

#include <hwy/aligned_allocator.h>

#include <algorithm>
#include <limits>

#include "plugins/learn/kernels/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "plugins/learn/kernels/nearest.cc"
#include <hwy/foreach_target.h>
// foreach_target.h must come before highway.h.
#include <hwy/highway.h>

#include "plugins/learn/kernels/rows-inl.h"

HWY_BEFORE_NAMESPACE();
namespace dml::learn {
namespace HWY_NAMESPACE {
namespace {

// The lowest of kWidth values and where it is first; kWidth when none is a number.
HWY_INLINE std::size_t FirstLowest(const double* HWY_RESTRICT values, double& lowest) {
  const Lane d;
  const Vec v0 = hn::Load(d, values);
  const Vec v1 = hn::Load(d, values + kLanes);
  const Vec least = hn::MinOfLanes(d, hn::Min(v0, v1));
  lowest = hn::GetLane(least);
  const std::intptr_t in_first = hn::FindFirstTrue(d, hn::Eq(v0, least));
  if (in_first >= 0) return static_cast<std::size_t>(in_first);
  const std::intptr_t in_second = hn::FindFirstTrue(d, hn::Eq(v1, least));
  return in_second >= 0 ? kLanes + static_cast<std::size_t>(in_second) : kWidth;
}

// sums += w * row over `n` values, a multiple of kLanes.
HWY_INLINE void AddRow(const double* HWY_RESTRICT row, double w, std::size_t n,
                       double* HWY_RESTRICT sums) {
  const Lane d;
  const Vec f = hn::Set(d, w);
  for (std::size_t j = 0; j < n; j += kLanes) {
    hn::Store(hn::MulAdd(f, hn::Load(d, row + j), hn::Load(d, sums + j)), d, sums + j);
  }
}

void AssignBlock(const RowBlock& block, const double* coefficients, const double* bias,
                 std::size_t points, const double* weight, const NearestOutput& out) {
  const std::size_t p = block.features;
  const std::size_t stride = (p + kLanes - 1) / kLanes * kLanes;
  const std::size_t panels = PanelsOf(points);
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const auto packed = PackOutputs(coefficients, bias, points, p, kInfinity);
  auto shifted = hwy::AllocateAligned<double>(std::max<std::size_t>(1, kHeight * stride));
  std::fill(shifted.get(), shifted.get() + kHeight * stride, 0.0);
  auto sums = hwy::AllocateAligned<double>(std::max<std::size_t>(1, points * stride));
  std::fill(sums.get(), sums.get() + points * stride, 0.0);
  HWY_ALIGN double result[kHeight * kWidth];
  for (std::size_t begin = 0; begin < block.rows; begin += kHeight) {
    const std::size_t rows = std::min(kHeight, block.rows - begin);
    for (std::size_t i = 0; i < rows; ++i) {
      ShiftRow(block.x + (begin + i) * p, block.shift, p, shifted.get() + i * stride);
      out.labels[begin + i] = 0;
      out.lowest[begin + i] = kInfinity;
    }
    const double* next = block.x + std::min(begin + kHeight, block.rows - 1) * p;
    for (std::size_t panel = 0; panel < panels; ++panel) {
      MultiplyRows(shifted.get(), stride, p, packed.get() + panel * (p + 1) * kWidth, next, result);
      for (std::size_t i = 0; i < rows; ++i) {
        double lowest = kInfinity;
        const std::size_t at = FirstLowest(result + i * kWidth, lowest);
        if (at == kWidth || !(lowest < out.lowest[begin + i])) continue;
        out.lowest[begin + i] = lowest;
        out.labels[begin + i] = static_cast<int>(panel * kWidth + at);
      }
    }
    for (std::size_t i = 0; out.sums != nullptr && i < rows; ++i) {
      const auto label = static_cast<std::size_t>(out.labels[begin + i]);
      AddRow(shifted.get() + i * stride, weight != nullptr ? weight[begin + i] : 1.0, stride,
             sums.get() + label * stride);
    }
  }
  for (std::size_t k = 0; out.sums != nullptr && k < points; ++k) {
    for (std::size_t j = 0; j < p; ++j) out.sums[k * p + j] += sums[k * stride + j];
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace dml::learn
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace dml::learn {

HWY_EXPORT(AssignBlock);

void AssignRows(const RowBlock& block, const double* coefficients, const double* bias,
                std::size_t points, const double* weight, const NearestOutput& out) {
  HWY_DYNAMIC_DISPATCH(AssignBlock)(block, coefficients, bias, points, weight, out);
}

}  // namespace dml::learn
#endif

#include "plugins/learn/kernels/distance_sums.h"

#include "plugins/learn/kernels/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "plugins/learn/kernels/distance_sums.cc"
#include <hwy/foreach_target.h>
// foreach_target.h must come before highway.h.
#include <hwy/highway.h>

#include "plugins/learn/kernels/rows-inl.h"

HWY_BEFORE_NAMESPACE();
namespace dml::learn {
namespace HWY_NAMESPACE {
namespace {

static_assert(kDistanceRows % kHeight == 0 && kPanelPoints % kWidth == 0);

// Of kHeight rows and the kWidth points from `values` and `weight` on: as much as the registers
// hold. Each distance is summed along the features in order, whatever the width.
HWY_INLINE void AddDistancesOfPart(const double* HWY_RESTRICT x, std::size_t features,
                                   const double* HWY_RESTRICT values,
                                   const double* HWY_RESTRICT weight, double* HWY_RESTRICT sums) {
  const Lane d;
  Vec square[kHeight][2];
  HWY_UNROLL(8)
  for (std::size_t i = 0; i < kHeight; ++i) {
    square[i][0] = hn::Zero(d);
    square[i][1] = hn::Zero(d);
  }
  for (std::size_t j = 0; j < features; ++j) {
    const Vec p0 = hn::LoadU(d, values + j * kPanelPoints);
    const Vec p1 = hn::LoadU(d, values + j * kPanelPoints + kLanes);
    HWY_UNROLL(8)
    for (std::size_t i = 0; i < kHeight; ++i) {
      const Vec value = hn::Set(d, x[i * features + j]);
      const Vec apart0 = hn::Sub(value, p0);
      const Vec apart1 = hn::Sub(value, p1);
      square[i][0] = hn::MulAdd(apart0, apart0, square[i][0]);
      square[i][1] = hn::MulAdd(apart1, apart1, square[i][1]);
    }
  }
  const Vec w0 = hn::LoadU(d, weight);
  const Vec w1 = hn::LoadU(d, weight + kLanes);
  HWY_UNROLL(8)
  for (std::size_t i = 0; i < kHeight; ++i) {
    double* const to = sums + i * kPanelPoints;
    hn::StoreU(hn::MulAdd(hn::Sqrt(square[i][0]), w0, hn::LoadU(d, to)), d, to);
    hn::StoreU(hn::MulAdd(hn::Sqrt(square[i][1]), w1, hn::LoadU(d, to + kLanes)), d, to + kLanes);
  }
}

void AddDistancesOfBlock(const double* x, std::size_t rows, std::size_t features,
                         const PointPanel& panel, double* sums) {
  for (std::size_t row = 0; row < rows; row += kHeight) {
    for (std::size_t at = 0; at < kPanelPoints; at += kWidth) {
      AddDistancesOfPart(x + row * features, features, panel.values + at, panel.weight + at,
                         sums + row * kPanelPoints + at);
    }
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace dml::learn
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace dml::learn {

HWY_EXPORT(AddDistancesOfBlock);

void AddDistances(const double* x, std::size_t rows, std::size_t features, const PointPanel& panel,
                  double* sums) {
  HWY_DYNAMIC_DISPATCH(AddDistancesOfBlock)(x, rows, features, panel, sums);
}

}  // namespace dml::learn
#endif

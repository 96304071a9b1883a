#include <hwy/aligned_allocator.h>

#include <algorithm>
#include <cstring>

#include "plugins/learn/kernels/dense.h"
#include "plugins/learn/kernels/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "plugins/learn/kernels/gram.cc"
#include <hwy/foreach_target.h>
// foreach_target.h must come before highway.h.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace dml::learn {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

using Lane = hn::CappedTag<double, 8>;
using Vec = hn::Vec<Lane>;

// A register block is kHeight x kWidth outputs: 16 accumulators with AVX-512, 8 with AVX2.
constexpr std::size_t kLanes = hn::MaxLanes(Lane());
constexpr std::size_t kHeight = kLanes;
constexpr std::size_t kWidth = 2 * kLanes;
// Two panels of this many rows stay in the first-level cache.
constexpr std::size_t kBlockRows = 128;

// c[kHeight x (kVectors kLanes)] += a' b over `rows` rows of two panels. Rows are taken one after
// the other, so that each element of c sees the same operations whatever the block sizes.
template <std::size_t kVectors>
HWY_INLINE void MultiplyPanels(const double* HWY_RESTRICT a, const double* HWY_RESTRICT b,
                               std::size_t rows, double* HWY_RESTRICT c, std::size_t stride) {
  const Lane d;
  Vec sum[kHeight][kVectors];
  HWY_UNROLL(8)
  for (std::size_t i = 0; i < kHeight; ++i) {
    for (std::size_t v = 0; v < kVectors; ++v) {
      sum[i][v] = hn::Load(d, c + i * stride + v * kLanes);
    }
  }
  for (std::size_t r = 0; r < rows; ++r) {
    Vec value[kVectors];
    for (std::size_t v = 0; v < kVectors; ++v) value[v] = hn::Load(d, b + r * kWidth + v * kLanes);
    HWY_UNROLL(8)
    for (std::size_t i = 0; i < kHeight; ++i) {
      const Vec factor = hn::Set(d, a[r * kWidth + i]);
      for (std::size_t v = 0; v < kVectors; ++v) {
        sum[i][v] = hn::MulAdd(factor, value[v], sum[i][v]);
      }
    }
  }
  HWY_UNROLL(8)
  for (std::size_t i = 0; i < kHeight; ++i) {
    for (std::size_t v = 0; v < kVectors; ++v) {
      hn::Store(sum[i][v], d, c + i * stride + v * kLanes);
    }
  }
}

// Adds panel `j` of the right side to the sums: of its two vectors of columns only those that exist
// and reach above the diagonal.
void MultiplyPanel(const double* left, const double* right, std::size_t j, std::size_t q,
                   std::size_t rows, double* sums, std::size_t stride) {
  const std::size_t first = j * kWidth;
  const bool second_exists = first + kLanes < q;
  for (std::size_t i = 0; i < first + kWidth && i < q; i += kHeight) {
    const double* a = left + (i / kWidth) * (kBlockRows * kWidth) + i % kWidth;
    double* c = sums + i * stride + first;
    if (i >= first + kLanes) {
      MultiplyPanels<1>(a, right + kLanes, rows, c + kLanes, stride);
    } else if (second_exists) {
      MultiplyPanels<2>(a, right, rows, c, stride);
    } else {
      MultiplyPanels<1>(a, right, rows, c, stride);
    }
  }
}

// Copies columns [first, first + kWidth) of rows [begin, begin + rows) into a panel, shifted;
// columns beyond the last are zero.
void PackPanel(const RowBlock& block, const ExtraColumn& extra, std::size_t begin, std::size_t rows,
               std::size_t first, double* HWY_RESTRICT panel) {
  const Lane d;
  if (first + kWidth <= block.features) {
    const Vec s0 = hn::LoadU(d, block.shift + first);
    const Vec s1 = hn::LoadU(d, block.shift + first + kLanes);
    for (std::size_t r = 0; r < rows; ++r) {
      const double* row = block.x + (begin + r) * block.features + first;
      hn::Store(hn::Sub(hn::LoadU(d, row), s0), d, panel + r * kWidth);
      hn::Store(hn::Sub(hn::LoadU(d, row + kLanes), s1), d, panel + r * kWidth + kLanes);
    }
    return;
  }
  const std::size_t own = first < block.features ? block.features - first : 0;
  const bool has_extra = extra.values != nullptr && own < kWidth;
  for (std::size_t r = 0; r < rows; ++r) {
    double* out = panel + r * kWidth;
    std::fill(out, out + kWidth, 0.0);
    const double* row = block.x + (begin + r) * block.features + first;
    for (std::size_t j = 0; j < own; ++j) out[j] = row[j] - block.shift[first + j];
    if (has_extra) out[own] = extra.values[begin + r] - extra.shift;
  }
}

void ScalePanel(const double* HWY_RESTRICT panel, const double* weight, std::size_t rows,
                double* HWY_RESTRICT scaled) {
  const Lane d;
  for (std::size_t r = 0; r < rows; ++r) {
    const Vec w = hn::Set(d, weight[r]);
    const double* in = panel + r * kWidth;
    double* out = scaled + r * kWidth;
    hn::Store(hn::Mul(w, hn::Load(d, in)), d, out);
    hn::Store(hn::Mul(w, hn::Load(d, in + kLanes)), d, out + kLanes);
  }
}

void GramOfBlock(const RowBlock& block, const ExtraColumn& extra, const double* weight,
                 double* gram) {
  const std::size_t q = block.features + (extra.values != nullptr ? 1 : 0);
  const std::size_t panels = (q + kWidth - 1) / kWidth;
  const std::size_t stride = panels * kWidth;
  const std::size_t panel_size = kBlockRows * kWidth;
  auto packed = hwy::AllocateAligned<double>(panels * panel_size);
  auto scaled = hwy::AllocateAligned<double>(weight != nullptr ? panels * panel_size : 1);
  auto sums = hwy::AllocateAligned<double>(stride * stride);
  std::fill(sums.get(), sums.get() + stride * stride, 0.0);
  for (std::size_t begin = 0; begin < block.rows; begin += kBlockRows) {
    const std::size_t rows = std::min(kBlockRows, block.rows - begin);
    for (std::size_t j = 0; j < panels; ++j) {
      double* panel = packed.get() + j * panel_size;
      PackPanel(block, extra, begin, rows, j * kWidth, panel);
      if (weight != nullptr) {
        ScalePanel(panel, weight + begin, rows, scaled.get() + j * panel_size);
      }
    }
    const double* left = weight != nullptr ? scaled.get() : packed.get();
    for (std::size_t j = 0; j < panels; ++j) {
      MultiplyPanel(left, packed.get() + j * panel_size, j, q, rows, sums.get(), stride);
    }
  }
  for (std::size_t i = 0; i < q; ++i) {
    std::fill(gram + i * q, gram + i * q + i, 0.0);
    std::copy(sums.get() + i * stride + i, sums.get() + i * stride + q, gram + i * q + i);
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace dml::learn
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace dml::learn {

HWY_EXPORT(GramOfBlock);

void WeightedGram(const RowBlock& block, const ExtraColumn& extra, const double* weight,
                  double* gram) {
  HWY_DYNAMIC_DISPATCH(GramOfBlock)(block, extra, weight, gram);
}

}  // namespace dml::learn
#endif

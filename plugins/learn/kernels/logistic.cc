#include "plugins/learn/kernels/logistic.h"

#include <algorithm>
#include <cmath>

#include "plugins/learn/kernels/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "plugins/learn/kernels/logistic.cc"
#include <hwy/foreach_target.h>
// foreach_target.h must come before highway.h.
#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace dml::learn {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

using Lane = hn::CappedTag<double, 8>;
using Vec = hn::Vec<Lane>;

constexpr std::size_t kChunk = 64;  // rows per round; a multiple of every vector width

// sigma(z) from e = exp(-|z|), which never overflows.
HWY_INLINE Vec SigmaOf(Vec z, Vec e) {
  const Lane d;
  const Vec one = hn::Set(d, 1.0);
  const Vec numerator = hn::IfThenElse(hn::Ge(z, hn::Zero(d)), one, e);
  return hn::Div(numerator, hn::Add(one, e));
}

// loss, p - y and p (1 - p) of kChunk rows.
void ChunkLoss(const double* HWY_RESTRICT z, const double* HWY_RESTRICT y,
               double* HWY_RESTRICT loss, double* HWY_RESTRICT residual,
               double* HWY_RESTRICT curvature) {
  const Lane d;
  const Vec one = hn::Set(d, 1.0);
  for (std::size_t i = 0; i < kChunk; i += hn::Lanes(d)) {
    const Vec vz = hn::LoadU(d, z + i);
    const Vec vy = hn::LoadU(d, y + i);
    const Vec e = hn::Exp(d, hn::Neg(hn::Abs(vz)));
    const Vec base = hn::Add(hn::Log1p(d, e), hn::Max(vz, hn::Zero(d)));
    hn::StoreU(hn::Sub(base, hn::Mul(vy, vz)), d, loss + i);
    hn::StoreU(hn::Sub(SigmaOf(vz, e), vy), d, residual + i);
    const Vec s = hn::Add(one, e);
    hn::StoreU(hn::Div(e, hn::Mul(s, s)), d, curvature + i);
  }
}

double LossOfRows(const double* z, const double* y, const double* weight, std::size_t rows,
                  double* residual, double* curvature) {
  double buffer[5][kChunk] = {};
  double total = 0.0;
  for (std::size_t begin = 0; begin < rows; begin += kChunk) {
    const std::size_t n = std::min(kChunk, rows - begin);
    std::copy(z + begin, z + begin + n, buffer[0]);
    std::copy(y + begin, y + begin + n, buffer[1]);
    ChunkLoss(buffer[0], buffer[1], buffer[2], buffer[3], buffer[4]);
    for (std::size_t i = 0; i < n; ++i) {
      const double w = weight != nullptr ? weight[begin + i] : 1.0;
      total += w * buffer[2][i];
      if (residual != nullptr) residual[begin + i] = w * buffer[3][i];
      if (curvature != nullptr) curvature[begin + i] = w * buffer[4][i];
    }
  }
  return total;
}

void ExpInPlace(double* values, std::size_t n) {
  const Lane d;
  double buffer[kChunk] = {};
  for (std::size_t begin = 0; begin < n; begin += kChunk) {
    const std::size_t count = std::min(kChunk, n - begin);
    std::copy(values + begin, values + begin + count, buffer);
    for (std::size_t i = 0; i < kChunk; i += hn::Lanes(d)) {
      hn::StoreU(hn::Exp(d, hn::LoadU(d, buffer + i)), d, buffer + i);
    }
    std::copy(buffer, buffer + count, values + begin);
  }
}

void SigmoidInPlace(double* values, std::size_t n) {
  const Lane d;
  double buffer[kChunk] = {};
  for (std::size_t begin = 0; begin < n; begin += kChunk) {
    const std::size_t count = std::min(kChunk, n - begin);
    std::copy(values + begin, values + begin + count, buffer);
    for (std::size_t i = 0; i < kChunk; i += hn::Lanes(d)) {
      const Vec z = hn::LoadU(d, buffer + i);
      hn::StoreU(SigmaOf(z, hn::Exp(d, hn::Neg(hn::Abs(z)))), d, buffer + i);
    }
    std::copy(buffer, buffer + count, values + begin);
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace dml::learn
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace dml::learn {

HWY_EXPORT(LossOfRows);
HWY_EXPORT(ExpInPlace);
HWY_EXPORT(SigmoidInPlace);

double BinaryLoss(const double* z, const double* y, const double* weight, std::size_t rows,
                  double* residual, double* curvature) {
  return HWY_DYNAMIC_DISPATCH(LossOfRows)(z, y, weight, rows, residual, curvature);
}

double SoftmaxLoss(double* z, const double* y, const double* weight, std::size_t rows,
                   std::size_t classes) {
  double total = 0.0;
  for (std::size_t r = 0; r < rows; ++r) {
    double* row = z + r * classes;
    const double top = *std::max_element(row, row + classes);
    for (std::size_t k = 0; k < classes; ++k) row[k] -= top;
    if (y != nullptr) {
      const double w = weight != nullptr ? weight[r] : 1.0;
      total -= w * row[static_cast<std::size_t>(y[r])];
    }
  }
  HWY_DYNAMIC_DISPATCH(ExpInPlace)(z, rows * classes);
  for (std::size_t r = 0; r < rows; ++r) {
    double* row = z + r * classes;
    double sum = 0.0;
    for (std::size_t k = 0; k < classes; ++k) sum += row[k];
    for (std::size_t k = 0; k < classes; ++k) row[k] /= sum;
    if (y != nullptr) total += (weight != nullptr ? weight[r] : 1.0) * std::log(sum);
  }
  return total;
}

void Sigmoid(double* values, std::size_t n) { HWY_DYNAMIC_DISPATCH(SigmoidInPlace)(values, n); }

}  // namespace dml::learn
#endif

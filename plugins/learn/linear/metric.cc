#include "plugins/learn/linear/metric.h"

#include <Eigen/Cholesky>

#include <cmath>
#include <utility>

namespace dml::learn {

namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

VectorXd AsVector(const std::vector<double>& v) {
  return Eigen::Map<const VectorXd>(v.data(), static_cast<Index>(v.size()));
}

std::vector<double> AsStd(const VectorXd& v) { return {v.data(), v.data() + v.size()}; }

}  // namespace

// The matrix is L L', and R = L'.
struct Metric::Factor {
  Eigen::LLT<MatrixXd> cholesky;
};

Metric::Metric(std::vector<double> scale) : scale_(std::move(scale)) {}

Metric::Metric(const std::vector<double>& upper, const std::vector<double>& floor) {
  const std::size_t size = floor.size();
  const auto n = static_cast<Index>(size);
  MatrixXd matrix(n, n);
  for (Index i = 0; i < n; ++i) {
    for (Index j = i; j < n; ++j) {
      matrix(j, i) = matrix(i, j) = upper[static_cast<std::size_t>(i * n + j)];
    }
    matrix(i, i) = std::max(matrix(i, i), floor[static_cast<std::size_t>(i)]);
  }
  factor_ = std::make_unique<Factor>();
  factor_->cholesky.compute(matrix);
  if (factor_->cholesky.info() == Eigen::Success) return;
  factor_.reset();
  for (Index i = 0; i < n; ++i) scale_.push_back(std::sqrt(matrix(i, i)));
}

Metric::~Metric() = default;

std::vector<double> Metric::ToMetric(const std::vector<double>& x) const {
  if (factor_ != nullptr) return AsStd(factor_->cholesky.matrixU() * AsVector(x));
  std::vector<double> out = x;
  for (std::size_t i = 0; i < out.size(); ++i) out[i] *= scale_[i];
  return out;
}

std::vector<double> Metric::FromMetric(const std::vector<double>& u) const {
  if (factor_ != nullptr) return AsStd(factor_->cholesky.matrixU().solve(AsVector(u)));
  return Gradient(u);
}

std::vector<double> Metric::Gradient(const std::vector<double>& by_x) const {
  if (factor_ != nullptr) return AsStd(factor_->cholesky.matrixL().solve(AsVector(by_x)));
  std::vector<double> out = by_x;
  for (std::size_t i = 0; i < out.size(); ++i) out[i] /= scale_[i];
  return out;
}

std::vector<double> Metric::PlainGradient(const std::vector<double>& by_u) const {
  if (factor_ != nullptr) return AsStd(factor_->cholesky.matrixL() * AsVector(by_u));
  return ToMetric(by_u);
}

}  // namespace dml::learn

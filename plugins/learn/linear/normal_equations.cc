#include "plugins/learn/linear/normal_equations.h"

#include <Eigen/Cholesky>
#include <Eigen/Eigenvalues>
#include <Eigen/QR>

#include <cmath>
#include <limits>

namespace dml::learn {

namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr double kEpsilon = std::numeric_limits<double>::epsilon();

Index Size(std::size_t n) { return static_cast<Index>(n); }

}  // namespace

struct NormalEquations::State {
  std::size_t features = 0;
  std::vector<Index> kept;  // columns with a positive diagonal
  VectorXd scale;           // 1 / sqrt(diagonal) of the kept ones
  Eigen::LLT<MatrixXd> cholesky;
  bool full_rank = false;
  double reciprocal_condition = 0.0;
  std::size_t rank = 0;
  // Rank-deficient: the kept part of the spectrum, and an orthonormal basis of the null space in
  // the coordinates of w, which is taken off to reach the minimum norm.
  MatrixXd vectors;
  VectorXd inverse_values;
  MatrixXd null_basis;

  void Decompose(const MatrixXd& scaled) {
    const Eigen::SelfAdjointEigenSolver<MatrixXd> solver(scaled);
    const double tolerance = 10.0 * kEpsilon * static_cast<double>(scaled.rows());
    Index zeros = 0;
    while (zeros < scaled.rows() && solver.eigenvalues()[zeros] <= tolerance) ++zeros;
    rank = static_cast<std::size_t>(scaled.rows() - zeros);
    vectors = solver.eigenvectors().rightCols(scaled.rows() - zeros);
    inverse_values = solver.eigenvalues().tail(scaled.rows() - zeros).cwiseInverse();
    if (zeros == 0) return;
    const MatrixXd null_space = scale.asDiagonal() * solver.eigenvectors().leftCols(zeros);
    const Eigen::HouseholderQR<MatrixXd> qr(null_space);
    null_basis = qr.householderQ() * MatrixXd::Identity(scaled.rows(), zeros);
  }
};

NormalEquations::NormalEquations(const double* gram, std::size_t p, std::size_t stride,
                                 double ridge)
    : state_(std::make_unique<State>()) {
  State& s = *state_;
  s.features = p;
  for (std::size_t j = 0; j < p; ++j) {
    if (gram[j * stride + j] + ridge > 0.0) s.kept.push_back(Size(j));
  }
  const Index n = Size(s.kept.size());
  s.scale.resize(n);
  MatrixXd scaled(n, n);
  const auto at = [&](Index i, Index j) {
    const auto row = static_cast<std::size_t>(s.kept[static_cast<std::size_t>(i)]);
    const auto column = static_cast<std::size_t>(s.kept[static_cast<std::size_t>(j)]);
    return gram[row * stride + column] + (i == j ? ridge : 0.0);
  };
  for (Index i = 0; i < n; ++i) s.scale[i] = 1.0 / std::sqrt(at(i, i));
  for (Index i = 0; i < n; ++i) {
    for (Index j = i; j < n; ++j) {
      scaled(i, j) = scaled(j, i) = i == j ? 1.0 : at(i, j) * s.scale[i] * s.scale[j];
    }
  }
  if (n == 0) return;
  s.cholesky.compute(scaled);
  s.reciprocal_condition = s.cholesky.info() == Eigen::Success ? s.cholesky.rcond() : 0.0;
  s.full_rank = s.reciprocal_condition > 10.0 * kEpsilon * static_cast<double>(n);
  s.rank = static_cast<std::size_t>(n);
  if (!s.full_rank) s.Decompose(scaled);
}

NormalEquations::~NormalEquations() = default;

std::vector<double> NormalEquations::Solve(const std::vector<double>& right) const {
  const State& s = *state_;
  std::vector<double> out(s.features, 0.0);
  const Index n = Size(s.kept.size());
  if (n == 0) return out;
  VectorXd scaled(n);
  for (Index i = 0; i < n; ++i) {
    scaled[i] = right[static_cast<std::size_t>(s.kept[static_cast<std::size_t>(i)])] * s.scale[i];
  }
  VectorXd solution;
  if (s.full_rank) {
    solution = s.scale.asDiagonal() * s.cholesky.solve(scaled);
  } else {
    const VectorXd inner = s.inverse_values.asDiagonal() * (s.vectors.transpose() * scaled);
    solution = s.scale.asDiagonal() * (s.vectors * inner);
    if (s.null_basis.cols() > 0) {
      solution -= s.null_basis * (s.null_basis.transpose() * solution);
    }
  }
  for (Index i = 0; i < n; ++i) {
    out[static_cast<std::size_t>(s.kept[static_cast<std::size_t>(i)])] = solution[i];
  }
  return out;
}

double NormalEquations::condition() const { return 1.0 / state_->reciprocal_condition; }

std::size_t NormalEquations::rank() const { return state_->rank; }

}  // namespace dml::learn

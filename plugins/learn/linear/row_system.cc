#include "plugins/learn/linear/row_system.h"

#include <Eigen/Cholesky>
#include <Eigen/Eigenvalues>

#include <limits>

namespace dml::learn {

namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

}  // namespace

struct RowSystem::State {
  Eigen::LLT<MatrixXd> cholesky;
  bool regular = false;
  std::size_t rank = 0;
  double condition = std::numeric_limits<double>::infinity();
  MatrixXd vectors;  // singular: those of the eigenvalues that are not zero
  VectorXd inverse_values;

  void Decompose(const MatrixXd& system, double alpha, double tolerance) {
    const Eigen::SelfAdjointEigenSolver<MatrixXd> solver(system);
    const VectorXd& values = solver.eigenvalues();
    const Index n = values.size();
    Index zeros = 0;
    while (zeros < n && values[zeros] - alpha <= tolerance * values[n - 1]) ++zeros;
    rank = static_cast<std::size_t>(n - zeros);
    vectors = solver.eigenvectors().rightCols(n - zeros);
    inverse_values = values.tail(n - zeros).cwiseInverse();
    if (zeros < n) condition = values[n - 1] / values[zeros];
  }
};

RowSystem::RowSystem(const std::vector<double>& gram, std::size_t n, double alpha)
    : state_(std::make_unique<State>()) {
  State& s = *state_;
  const auto size = static_cast<Index>(n);
  MatrixXd system(size, size);
  for (Index i = 0; i < size; ++i) {
    for (Index j = i; j < size; ++j) {
      const double value = gram[static_cast<std::size_t>(i) * n + static_cast<std::size_t>(j)] +
                           (i == j ? alpha : 0.0);
      system(i, j) = system(j, i) = value;
    }
  }
  const double tolerance = 10.0 * std::numeric_limits<double>::epsilon() * static_cast<double>(n);
  if (alpha > 0.0) {
    s.cholesky.compute(system);
    const double reciprocal = s.cholesky.info() == Eigen::Success ? s.cholesky.rcond() : 0.0;
    s.regular = reciprocal > tolerance;
    s.rank = n;
    if (s.regular) s.condition = 1.0 / reciprocal;
  }
  if (!s.regular) s.Decompose(system, alpha, tolerance);
}

RowSystem::~RowSystem() = default;

std::vector<double> RowSystem::Solve(const std::vector<double>& right) const {
  const Eigen::Map<const VectorXd> t(right.data(), static_cast<Index>(right.size()));
  std::vector<double> out(right.size());
  Eigen::Map<VectorXd> a(out.data(), static_cast<Index>(out.size()));
  if (state_->regular) {
    a = state_->cholesky.solve(t);
  } else {
    const VectorXd inner = state_->inverse_values.asDiagonal() * (state_->vectors.transpose() * t);
    a = state_->vectors * inner;
  }
  return out;
}

double RowSystem::condition() const { return state_->condition; }

std::size_t RowSystem::rank() const { return state_->rank; }

}  // namespace dml::learn

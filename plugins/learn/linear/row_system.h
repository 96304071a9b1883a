#pragma once

#include <cstddef>
#include <memory>
#include <vector>

namespace dml::learn {

// (K + alpha I) a = t for a symmetric positive semi-definite K over rows, factored once: Cholesky,
// or, where that is singular to working precision, the eigenvectors whose eigenvalues are not zero.
// Then Z'a, for K = Z Z', is the solution of minimum norm.
class RowSystem {
 public:
  // `gram`: the upper triangle of K, n x n.
  RowSystem(const std::vector<double>& gram, std::size_t n, double alpha);
  ~RowSystem();
  RowSystem(const RowSystem&) = delete;
  RowSystem& operator=(const RowSystem&) = delete;

  [[nodiscard]] std::vector<double> Solve(const std::vector<double>& right) const;
  // Estimate of the condition number of K + alpha I, of its non-zero part if singular; infinite for
  // a matrix of zeros.
  [[nodiscard]] double condition() const;
  // Eigenvalues that are not zero: n unless singular.
  [[nodiscard]] std::size_t rank() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace dml::learn

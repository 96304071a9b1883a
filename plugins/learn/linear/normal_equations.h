#pragma once

#include <memory>
#include <vector>

namespace dml::learn {

// A symmetric positive semi-definite system G w = c, scaled to unit diagonal, factored once and
// solved for several right-hand sides. Full rank: Cholesky. Otherwise: eigenvalues of the scaled
// matrix below `rank_tolerance` are treated as zero and the solution has minimum Euclidean norm.
// Columns with a zero diagonal get the solution 0.
class NormalEquations {
 public:
  // Upper triangle of G (p x p, leading dimension `stride`) plus `ridge` on the diagonal.
  NormalEquations(const double* gram, std::size_t p, std::size_t stride, double ridge);
  ~NormalEquations();
  NormalEquations(const NormalEquations&) = delete;
  NormalEquations& operator=(const NormalEquations&) = delete;

  [[nodiscard]] std::vector<double> Solve(const std::vector<double>& right) const;
  // Estimate of the condition number of the scaled matrix (1-norm); infinite if singular.
  [[nodiscard]] double condition() const;
  [[nodiscard]] std::size_t rank() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace dml::learn

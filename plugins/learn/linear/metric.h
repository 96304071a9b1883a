#pragma once

#include <memory>
#include <vector>

namespace dml::learn {

// A linear change of coordinates u = R x under which a function's curvature is about the identity,
// so that first-order methods take few steps. Immutable and thread-safe.
class Metric {
 public:
  // R is diagonal, with these positive entries.
  explicit Metric(std::vector<double> scale);
  // R'R is this symmetric matrix (upper triangle, size floor.size()), its diagonal raised to
  // `floor`, which is positive, where it is lower. Falls back to the diagonal alone where the
  // matrix is not positive definite.
  Metric(const std::vector<double>& upper, const std::vector<double>& floor);
  ~Metric();
  Metric(const Metric&) = delete;
  Metric& operator=(const Metric&) = delete;

  [[nodiscard]] std::vector<double> ToMetric(const std::vector<double>& x) const;
  [[nodiscard]] std::vector<double> FromMetric(const std::vector<double>& u) const;
  // The gradient by u from the gradient by x, and back.
  [[nodiscard]] std::vector<double> Gradient(const std::vector<double>& by_x) const;
  [[nodiscard]] std::vector<double> PlainGradient(const std::vector<double>& by_u) const;

 private:
  struct Factor;
  std::vector<double> scale_;  // of a diagonal R; else empty
  std::unique_ptr<Factor> factor_;
};

}  // namespace dml::learn

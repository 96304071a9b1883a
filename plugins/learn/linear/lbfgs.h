#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"

namespace dml::learn {

// Limited-memory BFGS (Nocedal and Wright, "Numerical Optimization", algorithm 7.4, ten pairs) with
// a bisection search for the weak Wolfe conditions (Lewis and Overton, 2013).
// Where a minimisation is: going on from here gives the bits of never having stopped.
struct LbfgsState {
  std::vector<double> x;  // empty: not begun
  std::vector<double> gradient;
  double value = 0.0;
  int iterations = 0;
  std::vector<double> history;
  std::vector<double> steps;    // of the pairs that model the curvature, one after the other
  std::vector<double> changes;  // of the gradient, likewise

  template <typename A>
  void Fields(A& archive) {
    archive(x);
    archive(gradient);
    archive(value);
    archive(iterations);
    archive(history);
    archive(steps);
    archive(changes);
  }
};

struct LbfgsOptions {
  double tol = 1e-4;  // on `norm` of the gradient
  int max_iter = 100;
  std::function<double(const std::vector<double>& gradient)> norm;
  const LbfgsState* from = nullptr;  // instead of `start`, if it has begun
  // After every iteration, and at the end (`over`); may be empty. `state` is made when called.
  std::function<void(const std::function<LbfgsState()>& state, bool over)> iterated = {};
};

struct LbfgsResult {
  std::vector<double> x;
  std::vector<double> history;  // objective after each iteration, the start included
  double gradient_norm = 0.0;   // as measured against tol
  int iterations = 0;
  bool converged = false;
  std::string stopped_because;
};

// Value at x; writes the gradient.
using Smooth = std::function<Result<double>(const std::vector<double>& x, std::vector<double>& g)>;

Result<LbfgsResult> MinimiseLbfgs(const Smooth& function, std::vector<double> start,
                                  const LbfgsOptions& options);

}  // namespace dml::learn

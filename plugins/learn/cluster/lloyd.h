#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "plugins/learn/data_source.h"
#include "plugins/learn/execution.h"

namespace dml::learn {

struct LloydOptions {
  std::size_t clusters = 0;
  int max_iter = 300;
  double movement_max = 0.0;  // of all centres, squared: stop at or below
};

// How far the iterations are. Going on from a state gives the bits of never having stopped there.
struct LloydState {
  std::vector<double> centres;  // clusters x features, shifted; empty: not begun
  int iterations = 0;
  bool converged = false;
  std::vector<double> history;  // the objective as seen by each iteration, without the rows' norms

  template <typename A>
  void Fields(A& archive) {
    archive(centres);
    archive(iterations);
    archive(converged);
    archive(history);
  }
};

struct LloydResult {
  std::vector<double> centres;  // clusters x features, shifted
  std::vector<double> weights;  // per cluster, at the last assignment
  double inertia = 0.0;         // of the final centres, as sum of (x - c)^2
  int iterations = 0;
  bool converged = false;
  int empty = 0;                // clusters that no row is nearest to, at the end
  std::vector<double> history;  // sum of (x - c)^2 as each iteration found it, and the inertia

  template <typename A>
  void Fields(A& archive) {
    archive(centres);
    archive(weights);
    archive(inertia);
    archive(iterations);
    archive(converged);
    archive(empty);
    archive(history);
  }
};

// Lloyd's iterations from the given state, whose centres are set. `shift` is subtracted from rows
// (zeros for sparse). `iterated` hears of every state; may be empty.
Result<LloydResult> IterateLloyd(const DataSource& source, const std::vector<double>& shift,
                                 LloydState state, const LloydOptions& options,
                                 const Execution& execution,
                                 const std::function<void(const LloydState&)>& iterated = {});

}  // namespace dml::learn

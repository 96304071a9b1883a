#pragma once

#include <cstdint>
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

struct LloydResult {
  std::vector<double> centres;  // clusters x features, shifted
  std::vector<double> weights;  // per cluster, at the last assignment
  double inertia = 0.0;         // of the final centres, as sum of (x - c)^2
  int iterations = 0;
  bool converged = false;
  int empty = 0;                // clusters that no row is nearest to, at the end
  std::vector<double> history;  // the objective as seen by each iteration
};

// Lloyd's iterations from the given centres. `shift` is subtracted from rows (zeros for sparse).
Result<LloydResult> IterateLloyd(const DataSource& source, const std::vector<double>& shift,
                                 std::vector<double> centres, const LloydOptions& options,
                                 const Execution& execution);

}  // namespace dml::learn

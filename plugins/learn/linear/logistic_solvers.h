#pragma once

#include <vector>

#include "plugins/learn/linear/logistic_objective.h"

namespace dml::learn {

// A minimum of a logistic objective, with what is known about it.
struct LogisticOptimum {
  std::vector<double> parameters;
  Certificate certificate;  // no warnings yet
  double lowest_margin = 0.0;
};

// Picks the way by the shape of the data:
//   small, or few rows per parameter   Newton with a Cholesky factor of the exact Hessian
//   many rows                          Newton on a sample, then L-BFGS over all rows from there, in
//                                      coordinates in which the sample's Hessian is the identity: a
//                                      few passes; Newton over all rows where that does not do
//   sparse, or many parameters         L-BFGS in coordinates scaled by the features' deviations
Result<LogisticOptimum> MinimiseLogistic(const LogisticObjective& objective,
                                         const DataSource& source, const LogisticOptions& options,
                                         const Execution& execution);

}  // namespace dml::learn

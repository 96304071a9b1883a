#pragma once

#include <cstdint>
#include <vector>

#include "plugins/learn/metrics/metric_registry.h"
#include "plugins/learn/predictor.h"

namespace dml::learn {

// How much worse a model scores when one feature is shuffled among the rows (Breiman 2001): what
// it needs of the feature, on rows it has not seen. The mean and standard deviation over repeats of
// the loss in score, positive when the feature helps whichever way the metric points.
struct PermutationImportance {
  double mean = 0.0;
  double deviation = 0.0;
};

// One entry per feature of `rows`, a dense tile with targets; weights count. Draws are keyed by
// (seed, feature, repeat): threads do not change a bit. Cost: features x repeats predictions.
// kInvalid for a sparse tile, bad rows or a metric that is undefined on them.
Result<std::vector<PermutationImportance>> PermutationImportances(const Predictor& predictor,
                                                                  const Tile& rows,
                                                                  const Scorer& scorer, int repeats,
                                                                  std::uint64_t seed, int threads);

}  // namespace dml::learn

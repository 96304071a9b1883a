#include "plugins/learn/metrics/permutation_importance.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "base/random.h"
#include "plugins/learn/tree/parallel_for.h"

namespace dml::learn {

namespace {

// The score with the sign that makes more better; undefined where the metric is.
Score Goodness(const Predictor& predictor, const Tile& rows, const Scorer& scorer) {
  std::vector<double> output(rows.rows * predictor.outputs());
  predictor.Predict(rows, output);
  const bool classifies = predictor.task() == ModelTask::kClassification;
  Score score =
      scorer(Predictions{rows.y, output, classifies ? predictor.outputs() : 0, rows.weight});
  if (score.defined() && !scorer.greater_is_better()) score.value = -*score.value;
  return score;
}

// Fisher-Yates on one column.
void Shuffle(Tile& rows, std::size_t feature, const Philox& random, std::uint64_t repeat) {
  const std::uint64_t stream = (static_cast<std::uint64_t>(feature) << 32) | repeat;
  for (std::size_t i = rows.rows; i > 1; --i) {
    const auto j = static_cast<std::size_t>(random.Below(i, i, stream));
    std::swap(rows.x[(i - 1) * rows.features + feature], rows.x[j * rows.features + feature]);
  }
}

PermutationImportance Summary(const std::vector<double>& losses) {
  const auto n = static_cast<double>(losses.size());
  PermutationImportance importance;
  importance.mean = std::accumulate(losses.begin(), losses.end(), 0.0) / n;
  double squares = 0.0;
  for (const double loss : losses) {
    squares += (loss - importance.mean) * (loss - importance.mean);
  }
  importance.deviation = std::sqrt(squares / n);
  return importance;
}

}  // namespace

Result<std::vector<PermutationImportance>> PermutationImportances(const Predictor& predictor,
                                                                  const Tile& rows,
                                                                  const Scorer& scorer, int repeats,
                                                                  std::uint64_t seed, int threads) {
  if (rows.sparse()) return Error::Invalid("permutation importance needs dense rows");
  if (repeats < 1) return Error::Invalid("permutation importance needs at least one repeat");
  const Score base = Goodness(predictor, rows, scorer);
  if (!base.defined()) return Error::Invalid("no permutation importance: " + base.note);
  const Philox random(seed, "permutation importance");
  std::vector<PermutationImportance> importances(rows.features);
  ParallelFor(threads, rows.features, [&](std::size_t feature) {
    std::vector<double> losses;
    for (int repeat = 0; repeat < repeats; ++repeat) {
      Tile shuffled = rows;
      Shuffle(shuffled, feature, random, static_cast<std::uint64_t>(repeat));
      // Shuffling a feature leaves the targets as they are, but not which metric is defined.
      losses.push_back(*base.value - Goodness(predictor, shuffled, scorer).value.value_or(0.0));
    }
    importances[feature] = Summary(losses);
  });
  return importances;
}

}  // namespace dml::learn

#pragma once

#include "plugins/learn/metrics/ranking.h"
#include "plugins/learn/metrics/score.h"

// Figures that look at the probabilities themselves. All take classification predictions,
// and pass over the rows of unseen classes.

namespace dml::learn {

// - mean log p(true class). Probabilities are clipped to [eps, 1 - eps], eps = 2^-52, and each row
// is divided by its sum again, as scikit-learn 1.2 does: a sure and wrong model scores 36, not
// infinity.
[[nodiscard]] Score LogLoss(const Predictions& predictions);

// Mean squared error of the probabilities: of class 1 for two classes (Brier 1950, halved), of all
// classes, summed, for more.
[[nodiscard]] Score BrierScore(const Predictions& predictions);

// The ROC area or average precision: of class 1 for two classes, otherwise every class against the
// rest, averaged over the classes that occur - evenly, or by their weight.
enum class OneVsRest { kMacro, kWeighted };
[[nodiscard]] Score RocAuc(const Predictions& predictions, OneVsRest average = OneVsRest::kMacro);
[[nodiscard]] Score AveragePrecision(const Predictions& predictions,
                                     OneVsRest average = OneVsRest::kMacro);

}  // namespace dml::learn

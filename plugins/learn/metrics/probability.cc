#include "plugins/learn/metrics/probability.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace dml::learn {

namespace {

constexpr const char* kNoRowsPredicted = "There are no rows to evaluate.";

double Squared(double x) { return x * x; }

double LogLossOfRow(std::span<const double> p, std::size_t truth) {
  constexpr double kEps = std::numeric_limits<double>::epsilon();
  double sum = 0.0;
  for (const double value : p) sum += std::clamp(value, kEps, 1.0 - kEps);
  return -std::log(std::clamp(p[truth], kEps, 1.0 - kEps) / sum);
}

double BrierOfRow(std::span<const double> p, std::size_t truth) {
  if (p.size() == 2) return Squared(p[1] - static_cast<double>(truth));
  double sum = 0.0;
  for (std::size_t c = 0; c < p.size(); ++c) sum += Squared(p[c] - (c == truth ? 1.0 : 0.0));
  return sum;
}

template <typename OfRow>
Score MeanOverRows(const Predictions& predictions, const OfRow& of_row) {
  RowSum sum;
  RowSum weights;
  for (std::size_t i = 0; i < predictions.rows(); ++i) {
    if (!predictions.is_seen(i)) continue;
    const auto p = predictions.output.subspan(i * predictions.classes, predictions.classes);
    sum.Add(predictions.w(i) * of_row(p, static_cast<std::size_t>(predictions.y[i])));
    weights.Add(predictions.w(i));
  }
  if (!(weights.value() > 0)) return Score::Undefined(kNoRowsPredicted);
  return Score::Of(sum.value() / weights.value());
}

template <typename OfRanking>
Score OneVersusRest(const Predictions& predictions, OneVsRest average,
                    const OfRanking& of_ranking) {
  if (predictions.classes == 2) return of_ranking(Ranking(predictions, 1));
  double sum = 0.0;
  double weights = 0.0;
  std::string note;
  for (std::size_t c = 0; c < predictions.classes; ++c) {
    const Ranking ranking(predictions, c);
    if (!(ranking.positives() > 0)) {
      note += fmt::format("{}{} does not occur and is left out.", note.empty() ? "" : " ",
                          predictions.ClassTitle(c));
      continue;
    }
    Score score = of_ranking(ranking);
    if (!score.defined()) return score;
    const double weight = average == OneVsRest::kMacro ? 1.0 : ranking.positives();
    sum += weight * *score.value;
    weights += weight;
  }
  if (!(weights > 0)) return Score::Undefined(kNoRowsPredicted);
  return Score::Of(sum / weights, note);
}

}  // namespace

Score LogLoss(const Predictions& predictions) { return MeanOverRows(predictions, LogLossOfRow); }

Score BrierScore(const Predictions& predictions) { return MeanOverRows(predictions, BrierOfRow); }

Score RocAuc(const Predictions& predictions, OneVsRest average) {
  return OneVersusRest(predictions, average, [](const Ranking& r) { return r.RocAuc(); });
}

Score AveragePrecision(const Predictions& predictions, OneVsRest average) {
  return OneVersusRest(predictions, average, [](const Ranking& r) { return r.AveragePrecision(); });
}

}  // namespace dml::learn

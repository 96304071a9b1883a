#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "plugins/learn/metrics/score.h"

namespace dml::learn {

// Weight of the true and the false positives when every row scored at or above `threshold` is
// called positive.
struct RankPoint {
  double threshold = 0.0;
  double true_positives = 0.0;
  double false_positives = 0.0;
};

// One class against the rest, ranked by score: the cumulative counts at each distinct score, from
// the highest down. Rows of equal score are one point, so the order of the rows does not matter.
// Lies in the room of the predictions, if they have one: then it ends with the next metric.
class Ranking {
 public:
  // Scores are the probabilities of class `positive`. Without the rows of unseen classes.
  Ranking(const Predictions& predictions, std::size_t positive);
  Ranking(const Ranking&) = delete;
  Ranking& operator=(const Ranking&) = delete;

  [[nodiscard]] std::span<const RankPoint> points() const { return points_; }
  [[nodiscard]] double positives() const;
  [[nodiscard]] double negatives() const;

  // The area under the ROC curve: the chance that a positive outranks a negative, ties half.
  // Unweighted it is exact: a ratio of integers below 2^53 for up to 10^8 rows.
  [[nodiscard]] Score RocAuc() const;
  // Average precision: sum of (R_n - R_n-1) * P_n, with no interpolation.
  [[nodiscard]] Score AveragePrecision() const;
  // Expected weight of the positives among the best-ranked share `depth` of all weight, ties
  // shared in proportion.
  [[nodiscard]] double PositivesWithin(double depth) const;

 private:
  std::vector<RankPoint> own_;  // without a room
  std::span<RankPoint> points_;
  std::string title_;  // of the positive class
};

// A curve for people: at most `points_max` points, both ends kept.
struct Curve {
  std::vector<double> x;
  std::vector<double> y;
  std::vector<double> threshold;
};

inline constexpr std::size_t kCurvePoints = 400;

// False against true positive rate, from (0, 0) to (1, 1); empty if undefined.
[[nodiscard]] Curve RocCurve(const Ranking& ranking, std::size_t points_max = kCurvePoints);
// Recall against precision, from recall 0 to 1; empty without positives.
[[nodiscard]] Curve PrecisionRecallCurve(const Ranking& ranking,
                                         std::size_t points_max = kCurvePoints);

// What a campaign gets out of the best-ranked tenth, fifth, ... of the rows.
struct GainRow {
  double depth = 0.0;          // share of the rows, cumulative: 0.1, 0.2, ...
  double threshold = 0.0;      // the score of the last row inside
  double positives = 0.0;      // in this band alone
  double positive_rate = 0.0;  // of this band
  double gain = 0.0;           // share of all positives up to here
  double lift = 0.0;           // gain / depth
};

// The table of gains in `bands` equal bands; empty without positives.
[[nodiscard]] std::vector<GainRow> ThresholdTable(const Ranking& ranking, std::size_t bands = 10);

}  // namespace dml::learn

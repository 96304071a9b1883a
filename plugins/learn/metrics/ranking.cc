#include "plugins/learn/metrics/ranking.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace dml::learn {

namespace {

constexpr const char* kOneClass =
    "Only one class occurs: a ranking needs rows of the class and rows of the others.";
constexpr const char* kNoPositives = " does not occur.";

// Positions to draw: evenly spread over the length of the curve, ends included.
std::vector<std::size_t> Thin(const Curve& curve, std::size_t points_max) {
  const std::size_t n = curve.x.size();
  std::vector<std::size_t> kept;
  if (n <= points_max) {
    kept.resize(n);
    std::iota(kept.begin(), kept.end(), std::size_t{0});
    return kept;
  }
  std::vector<double> length(n, 0.0);
  for (std::size_t i = 1; i < n; ++i) {
    length[i] = length[i - 1] + std::fabs(curve.x[i] - curve.x[i - 1]) +
                std::fabs(curve.y[i] - curve.y[i - 1]);
  }
  const double step = length.back() / static_cast<double>(points_max - 1);
  for (std::size_t i = 0; i + 1 < n; ++i) {
    if (length[i] >= step * static_cast<double>(kept.size())) kept.push_back(i);
  }
  kept.push_back(n - 1);
  return kept;
}

Curve Thinned(const Curve& curve, std::size_t points_max) {
  Curve thin;
  for (const std::size_t i : Thin(curve, points_max)) {
    thin.x.push_back(curve.x[i]);
    thin.y.push_back(curve.y[i]);
    thin.threshold.push_back(curve.threshold[i]);
  }
  return thin;
}

void Append(Curve& curve, double x, double y, double threshold) {
  curve.x.push_back(x);
  curve.y.push_back(y);
  curve.threshold.push_back(threshold);
}

}  // namespace

Ranking::Ranking(const Predictions& predictions, std::size_t positive)
    : title_(predictions.ClassTitle(positive)) {
  const std::size_t classes = predictions.classes;
  const auto score = [&](std::size_t i) { return predictions.output[i * classes + positive]; };
  std::vector<std::size_t> order(predictions.rows());
  std::iota(order.begin(), order.end(), std::size_t{0});
  // Rows of equal score stay in row order, so weighted sums do not depend on the sort.
  std::ranges::stable_sort(order,
                           [&](std::size_t a, std::size_t b) { return score(a) > score(b); });
  double hits = 0.0;
  double misses = 0.0;
  for (std::size_t k = 0; k < order.size(); ++k) {
    const std::size_t i = order[k];
    const bool is_positive = predictions.y[i] == static_cast<double>(positive);
    (is_positive ? hits : misses) += predictions.w(i);
    const bool last_of_score = k + 1 == order.size() || score(order[k + 1]) != score(i);
    if (last_of_score) points_.push_back({score(i), hits, misses});
  }
}

double Ranking::positives() const { return points_.empty() ? 0.0 : points_.back().true_positives; }

double Ranking::negatives() const { return points_.empty() ? 0.0 : points_.back().false_positives; }

Score Ranking::RocAuc() const {
  if (!(positives() > 0) || !(negatives() > 0)) return Score::Undefined(kOneClass);
  double twice_area = 0.0;
  RankPoint previous;
  for (const RankPoint& point : points_) {
    twice_area += (point.false_positives - previous.false_positives) *
                  (point.true_positives + previous.true_positives);
    previous = point;
  }
  return Score::Of(twice_area / (2.0 * positives() * negatives()));
}

Score Ranking::AveragePrecision() const {
  if (!(positives() > 0)) return Score::Undefined(title_ + kNoPositives);
  RowSum area;
  double previous = 0.0;
  for (const RankPoint& point : points_) {
    const double called = point.true_positives + point.false_positives;
    if (called > 0) area.Add((point.true_positives - previous) * (point.true_positives / called));
    previous = point.true_positives;
  }
  return Score::Of(area.value() / positives());
}

double Ranking::PositivesWithin(double depth) const {
  const double wanted = depth * (positives() + negatives());
  RankPoint previous;
  for (const RankPoint& point : points_) {
    const double before = previous.true_positives + previous.false_positives;
    const double after = point.true_positives + point.false_positives;
    if (after >= wanted) {
      const double share = after > before ? (wanted - before) / (after - before) : 0.0;
      return previous.true_positives + share * (point.true_positives - previous.true_positives);
    }
    previous = point;
  }
  return positives();
}

Score Ranking::GainAt(double fraction) const {
  if (!(positives() > 0)) return Score::Undefined(title_ + kNoPositives);
  return Score::Of(PositivesWithin(fraction) / positives());
}

Score Ranking::LiftAt(double fraction) const {
  Score gain = GainAt(fraction);
  if (gain.defined()) *gain.value /= fraction;
  return gain;
}

Curve RocCurve(const Ranking& ranking, std::size_t points_max) {
  Curve curve;
  if (!(ranking.positives() > 0) || !(ranking.negatives() > 0)) return curve;
  Append(curve, 0.0, 0.0, ranking.points().front().threshold);
  for (const RankPoint& point : ranking.points()) {
    Append(curve, point.false_positives / ranking.negatives(),
           point.true_positives / ranking.positives(), point.threshold);
  }
  return Thinned(curve, points_max);
}

Curve PrecisionRecallCurve(const Ranking& ranking, std::size_t points_max) {
  Curve curve;
  if (!(ranking.positives() > 0)) return curve;
  Append(curve, 0.0, 1.0, ranking.points().front().threshold);
  for (const RankPoint& point : ranking.points()) {
    const double called = point.true_positives + point.false_positives;
    if (!(called > 0)) continue;
    Append(curve, point.true_positives / ranking.positives(), point.true_positives / called,
           point.threshold);
  }
  return Thinned(curve, points_max);
}

std::vector<GainRow> ThresholdTable(const Ranking& ranking, std::size_t bands) {
  std::vector<GainRow> table;
  const double total = ranking.positives() + ranking.negatives();
  if (!(ranking.positives() > 0)) return table;
  std::size_t at = 0;
  double before = 0.0;
  for (std::size_t band = 1; band <= bands; ++band) {
    GainRow row;
    row.depth = static_cast<double>(band) / static_cast<double>(bands);
    const auto& points = ranking.points();
    while (at + 1 < points.size() &&
           points[at].true_positives + points[at].false_positives < row.depth * total) {
      ++at;
    }
    row.threshold = points[at].threshold;
    const double hits = ranking.PositivesWithin(row.depth);
    row.positives = hits - before;
    row.positive_rate = row.positives * static_cast<double>(bands) / total;
    row.gain = hits / ranking.positives();
    row.lift = row.gain / row.depth;
    table.push_back(row);
    before = hits;
  }
  return table;
}

}  // namespace dml::learn

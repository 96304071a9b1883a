#include "plugins/learn/metrics/ranking.h"

#include <algorithm>
#include <cmath>
#include <tuple>

#include "plugins/learn/metrics/sorting_room.h"

namespace dml::learn {

namespace {

constexpr const char* kOneClass =
    "Only one class occurs: a ranking needs rows of the class and rows of the others.";
constexpr const char* kNoPositives = " does not occur.";

struct CurvePoint {
  double x = 0.0;
  double y = 0.0;
  double threshold = 0.0;
};

// Of the points at(0) ... at(n - 1), which are far too many to be held, at most `points_max`:
// evenly spread over the length of the curve, ends included.
template <typename At>
Curve Thinned(std::size_t n, std::size_t points_max, const At& at) {
  const auto ahead = [&](std::size_t i) {
    const CurvePoint here = at(i);
    const CurvePoint before = at(i - 1);
    return std::fabs(here.x - before.x) + std::fabs(here.y - before.y);
  };
  double total = 0.0;
  for (std::size_t i = 1; i < n; ++i) total += ahead(i);
  const double step = total / static_cast<double>(points_max - 1);
  Curve curve;
  double length = 0.0;
  for (std::size_t i = 0; i < n; ++i) {
    if (i > 0) length += ahead(i);
    const bool due = length >= step * static_cast<double>(curve.x.size());
    if (n > points_max && i + 1 < n && !due) continue;
    const CurvePoint point = at(i);
    curve.x.push_back(point.x);
    curve.y.push_back(point.y);
    curve.threshold.push_back(point.threshold);
  }
  return curve;
}

}  // namespace

Ranking::Ranking(const Predictions& predictions, std::size_t positive)
    : title_(predictions.ClassTitle(positive)) {
  const std::size_t classes = predictions.classes;
  points_ = RoomToSort(predictions, predictions.rows(), own_);
  std::size_t seen = 0;
  for (std::size_t i = 0; i < points_.size(); ++i) {
    if (!predictions.is_seen(i)) continue;
    const bool is_positive = predictions.y[i] == static_cast<double>(positive);
    const double weight = predictions.w(i);
    points_[seen++] = {predictions.output[i * classes + positive], is_positive ? weight : 0.0,
                       is_positive ? 0.0 : weight};
  }
  points_ = points_.first(seen);
  // Rows of equal score by weight, so that its sums do not depend on their order.
  std::ranges::sort(points_, [](const RankPoint& a, const RankPoint& b) {
    return std::tuple(-a.threshold, a.true_positives, a.false_positives) <
           std::tuple(-b.threshold, b.true_positives, b.false_positives);
  });
  // In place: no more points than rows.
  std::size_t count = 0;
  RankPoint sum;
  for (std::size_t k = 0; k < points_.size(); ++k) {
    sum.threshold = points_[k].threshold;
    sum.true_positives += points_[k].true_positives;
    sum.false_positives += points_[k].false_positives;
    const bool last_of_score = k + 1 == points_.size() || points_[k + 1].threshold != sum.threshold;
    if (last_of_score) points_[count++] = sum;
  }
  points_ = points_.first(count);
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

Curve RocCurve(const Ranking& ranking, std::size_t points_max) {
  const double positives = ranking.positives();
  const double negatives = ranking.negatives();
  if (!(positives > 0) || !(negatives > 0)) return {};
  const std::span<const RankPoint> points = ranking.points();
  return Thinned(points.size() + 1, points_max, [&](std::size_t i) {
    if (i == 0) return CurvePoint{0.0, 0.0, points.front().threshold};
    const RankPoint& point = points[i - 1];
    return CurvePoint{point.false_positives / negatives, point.true_positives / positives,
                      point.threshold};
  });
}

Curve PrecisionRecallCurve(const Ranking& ranking, std::size_t points_max) {
  const double positives = ranking.positives();
  if (!(positives > 0)) return {};
  const double threshold = ranking.points().front().threshold;
  // Before the first row of any weight there is no precision.
  const auto any = std::ranges::find_if(ranking.points(), [](const RankPoint& point) {
    return point.true_positives + point.false_positives > 0;
  });
  const std::span<const RankPoint> points(any, ranking.points().end());
  return Thinned(points.size() + 1, points_max, [&](std::size_t i) {
    if (i == 0) return CurvePoint{0.0, 1.0, threshold};
    const RankPoint& point = points[i - 1];
    return CurvePoint{point.true_positives / positives,
                      point.true_positives / (point.true_positives + point.false_positives),
                      point.threshold};
  });
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
    const std::span<const RankPoint> points = ranking.points();
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

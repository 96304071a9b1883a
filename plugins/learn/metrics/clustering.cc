#include "plugins/learn/metrics/clustering.h"

#include <algorithm>
#include <cmath>

namespace dml::learn {

namespace {

constexpr const char* kNeedsTwo =
    "At least two clusters with rows, and fewer clusters than rows, are needed.";

double SquaredDistance(std::span<const double> a, std::span<const double> b) {
  double sum = 0.0;
  for (std::size_t j = 0; j < a.size(); ++j) sum += (a[j] - b[j]) * (a[j] - b[j]);
  return sum;
}

// Sizes and means of the clusters that have rows.
struct Centres {
  std::vector<double> size;
  std::vector<double> mean;  // clusters x features
  std::size_t occupied = 0;
  std::size_t features = 0;

  [[nodiscard]] std::span<const double> of(std::size_t c) const {
    return {mean.data() + c * features, features};
  }
};

Centres CentresOf(const Clustering& clustering) {
  Centres centres;
  centres.features = clustering.features;
  centres.size.assign(clustering.clusters, 0.0);
  centres.mean.assign(clustering.clusters * clustering.features, 0.0);
  for (std::size_t i = 0; i < clustering.rows(); ++i) {
    const auto c = static_cast<std::size_t>(clustering.labels[i]);
    const auto row = clustering.row(i);
    centres.size[c] += 1.0;
    double* mean = centres.mean.data() + c * clustering.features;
    // The running mean loses no digits to a large common offset, which a plain sum would.
    for (std::size_t j = 0; j < row.size(); ++j) mean[j] += (row[j] - mean[j]) / centres.size[c];
  }
  for (const double size : centres.size) centres.occupied += size > 0 ? 1 : 0;
  return centres;
}

bool Comparable(const Centres& centres, std::size_t rows) {
  return centres.occupied >= 2 && centres.occupied < rows;
}

double WithinDispersion(const Clustering& clustering, const Centres& centres) {
  RowSum sum;
  for (std::size_t i = 0; i < clustering.rows(); ++i) {
    const auto c = static_cast<std::size_t>(clustering.labels[i]);
    sum.Add(SquaredDistance(clustering.row(i), centres.of(c)));
  }
  return sum.value();
}

}  // namespace

Score Inertia(const Clustering& clustering) {
  if (clustering.rows() == 0) return Score::Undefined("There are no rows to evaluate.");
  return Score::Of(WithinDispersion(clustering, CentresOf(clustering)));
}

Score CalinskiHarabasz(const Clustering& clustering) {
  const Centres centres = CentresOf(clustering);
  if (!Comparable(centres, clustering.rows())) return Score::Undefined(kNeedsTwo);
  const auto n = static_cast<double>(clustering.rows());
  const auto k = static_cast<double>(centres.occupied);
  std::vector<double> overall(clustering.features, 0.0);
  for (std::size_t c = 0; c < clustering.clusters; ++c) {
    for (std::size_t j = 0; j < clustering.features; ++j) {
      overall[j] += centres.of(c)[j] * (centres.size[c] / n);
    }
  }
  RowSum between;
  for (std::size_t c = 0; c < clustering.clusters; ++c) {
    if (centres.size[c] > 0) between.Add(centres.size[c] * SquaredDistance(centres.of(c), overall));
  }
  const double within = WithinDispersion(clustering, centres);
  if (!(within > 0)) return Score::Undefined("All rows of each cluster are equal.");
  return Score::Of(between.value() * (n - k) / (within * (k - 1.0)));
}

Score DaviesBouldin(const Clustering& clustering) {
  const Centres centres = CentresOf(clustering);
  if (!Comparable(centres, clustering.rows())) return Score::Undefined(kNeedsTwo);
  std::vector<RowSum> spread(clustering.clusters);
  for (std::size_t i = 0; i < clustering.rows(); ++i) {
    const auto c = static_cast<std::size_t>(clustering.labels[i]);
    spread[c].Add(std::sqrt(SquaredDistance(clustering.row(i), centres.of(c))));
  }
  double sum = 0.0;
  for (std::size_t a = 0; a < clustering.clusters; ++a) {
    double worst = 0.0;
    for (std::size_t b = 0; b < clustering.clusters; ++b) {
      if (a == b || !(centres.size[a] > 0) || !(centres.size[b] > 0)) continue;
      const double apart = std::sqrt(SquaredDistance(centres.of(a), centres.of(b)));
      if (!(apart > 0)) return Score::Undefined("Two clusters have the same centre.");
      const double spreads =
          spread[a].value() / centres.size[a] + spread[b].value() / centres.size[b];
      worst = std::max(worst, spreads / apart);
    }
    sum += worst;
  }
  return Score::Of(sum / static_cast<double>(centres.occupied));
}

}  // namespace dml::learn

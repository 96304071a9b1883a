#include "plugins/learn/metrics/clustering.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "plugins/learn/fit_loop.h"

namespace dml::learn {

namespace {

constexpr const char* kNeedsTwo =
    "At least two clusters with rows, and fewer clusters than rows, are needed.";

double SquaredDistance(std::span<const double> a, std::span<const double> b) {
  double sum = 0.0;
  for (std::size_t j = 0; j < a.size(); ++j) sum += (a[j] - b[j]) * (a[j] - b[j]);
  return sum;
}

// Sizes and means, merged as Chan, Golub and LeVeque do: a large common offset costs no digits.
struct Centres {
  std::vector<double> size;
  std::vector<double> mean;

  void Add(std::size_t cluster, std::span<const double> row) {
    size[cluster] += 1.0;
    double* own = mean.data() + cluster * row.size();
    for (std::size_t j = 0; j < row.size(); ++j) own[j] += (row[j] - own[j]) / size[cluster];
  }
  void Merge(Centres&& right) {
    if (right.size.empty()) return;
    if (size.empty()) {
      *this = std::move(right);
      return;
    }
    const std::size_t features = mean.size() / size.size();
    for (std::size_t c = 0; c < size.size(); ++c) {
      if (!(right.size[c] > 0)) continue;
      size[c] += right.size[c];
      const double share = right.size[c] / size[c];
      for (std::size_t i = c * features; i < (c + 1) * features; ++i) {
        mean[i] += (right.mean[i] - mean[i]) * share;
      }
    }
  }
  template <typename A>
  void Fields(A& archive) {
    archive(size);
    archive(mean);
  }
};

// How far the rows of each cluster are from its mean.
struct Spread {
  std::vector<RowSum> squares;
  std::vector<RowSum> distances;

  void Merge(Spread&& right) {
    if (squares.empty()) *this = Spread(right.squares.size());
    for (std::size_t c = 0; c < right.squares.size(); ++c) {
      squares[c].Merge(right.squares[c]);
      distances[c].Merge(right.distances[c]);
    }
  }
  template <typename A>
  void Fields(A& archive) {
    archive(squares);
    archive(distances);
  }

  Spread() = default;
  explicit Spread(std::size_t clusters) : squares(clusters), distances(clusters) {}
};

// Calls each(cluster, row) for the rows of a tile in order. Sparse ones are spread out one by one:
// a whole tile of a hundred thousand features would take gigabytes.
template <typename Each>
void ForEachRow(const ClusteredRows& clustering, const Tile& tile, const Each& each) {
  std::vector<std::int32_t> labels(tile.rows);
  clustering.assign(tile, labels);
  const std::size_t p = tile.features;
  std::vector<double> spread(tile.sparse() ? p : 0, 0.0);
  for (std::size_t i = 0; i < tile.rows; ++i) {
    const auto cluster = static_cast<std::size_t>(labels[i]);
    if (!tile.sparse()) {
      each(cluster, std::span<const double>(tile.x.data() + i * p, p));
      continue;
    }
    for (std::int64_t at = tile.offsets[i]; at < tile.offsets[i + 1]; ++at) {
      const auto cell = static_cast<std::size_t>(at);
      spread[static_cast<std::size_t>(tile.indices[cell])] += tile.values[cell];
    }
    each(cluster, std::span<const double>(spread));
    for (std::int64_t at = tile.offsets[i]; at < tile.offsets[i + 1]; ++at) {
      spread[static_cast<std::size_t>(tile.indices[static_cast<std::size_t>(at)])] = 0.0;
    }
  }
}

bool Comparable(const ClusterSummary& summary) {
  return summary.occupied() >= 2 && static_cast<double>(summary.occupied()) < summary.rows();
}

}  // namespace

double ClusterSummary::rows() const { return std::accumulate(size.begin(), size.end(), 0.0); }

std::size_t ClusterSummary::occupied() const {
  return static_cast<std::size_t>(std::ranges::count_if(size, [](double n) { return n > 0; }));
}

Result<ClusterSummary> SummariseClusters(const ClusteredRows& clustering,
                                         const Execution& execution) {
  ClusterSummary summary;
  summary.features = clustering.rows.feature_names().size();
  const auto centre = [&](const Tile& tile, Centres& stats) -> Result<void> {
    stats.size.assign(clustering.clusters, 0.0);
    stats.mean.assign(clustering.clusters * tile.features, 0.0);
    ForEachRow(clustering, tile,
               [&](std::size_t c, std::span<const double> row) { stats.Add(c, row); });
    return {};
  };
  DML_TRY(Centres centres, FoldTiles<Centres>(clustering.rows, execution, centre));
  centres.size.resize(clustering.clusters);
  centres.mean.resize(clustering.clusters * summary.features);
  summary.size = std::move(centres.size);
  summary.mean = std::move(centres.mean);
  const auto spread = [&](const Tile& tile, Spread& stats) -> Result<void> {
    stats = Spread(clustering.clusters);
    ForEachRow(clustering, tile, [&](std::size_t c, std::span<const double> row) {
      const double square = SquaredDistance(row, summary.centre(c));
      stats.squares[c].Add(square);
      stats.distances[c].Add(std::sqrt(square));
    });
    return {};
  };
  DML_TRY(Spread found, FoldTiles<Spread>(clustering.rows, execution, spread));
  if (found.squares.empty()) found = Spread(clustering.clusters);
  for (const RowSum& sum : found.squares) summary.squares.push_back(sum.value());
  for (const RowSum& sum : found.distances) summary.distances.push_back(sum.value());
  return summary;
}

Score Inertia(const ClusterSummary& summary) {
  if (summary.occupied() == 0) return Score::Undefined("There are no rows to evaluate.");
  RowSum sum;
  for (const double squares : summary.squares) sum.Add(squares);
  return Score::Of(sum.value());
}

Score CalinskiHarabasz(const ClusterSummary& summary) {
  if (!Comparable(summary)) return Score::Undefined(kNeedsTwo);
  const double n = summary.rows();
  const auto k = static_cast<double>(summary.occupied());
  std::vector<double> overall(summary.features, 0.0);
  for (std::size_t c = 0; c < summary.size.size(); ++c) {
    for (std::size_t j = 0; j < summary.features; ++j) {
      overall[j] += summary.centre(c)[j] * (summary.size[c] / n);
    }
  }
  RowSum between;
  for (std::size_t c = 0; c < summary.size.size(); ++c) {
    if (!(summary.size[c] > 0)) continue;
    between.Add(summary.size[c] * SquaredDistance(summary.centre(c), overall));
  }
  const double within = *Inertia(summary).value;
  if (!(within > 0)) return Score::Undefined("All rows of each cluster are equal.");
  return Score::Of(between.value() * (n - k) / (within * (k - 1.0)));
}

Score DaviesBouldin(const ClusterSummary& summary) {
  if (!Comparable(summary)) return Score::Undefined(kNeedsTwo);
  const std::vector<double>& size = summary.size;
  double sum = 0.0;
  for (std::size_t a = 0; a < size.size(); ++a) {
    double worst = 0.0;
    for (std::size_t b = 0; b < size.size(); ++b) {
      if (a == b || !(size[a] > 0) || !(size[b] > 0)) continue;
      const double apart = std::sqrt(SquaredDistance(summary.centre(a), summary.centre(b)));
      if (!(apart > 0)) return Score::Undefined("Two clusters have the same centre.");
      const double spreads = summary.distances[a] / size[a] + summary.distances[b] / size[b];
      worst = std::max(worst, spreads / apart);
    }
    sum += worst;
  }
  return Score::Of(sum / static_cast<double>(summary.occupied()));
}

}  // namespace dml::learn

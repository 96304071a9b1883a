#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <queue>
#include <utility>
#include <vector>

#include "base/quantity.h"
#include "base/random.h"
#include "plugins/learn/fit_loop.h"
#include "plugins/learn/metrics/clustering.h"
#include "plugins/learn/moments.h"

namespace dml::learn {

namespace {

// The rows that stand for all: every row, or those of the lowest draws, in row order.
std::vector<std::uint64_t> Sample(std::uint64_t rows, const SilhouetteOptions& options) {
  using Draw = std::pair<std::uint64_t, std::uint64_t>;  // the draw, then the row
  const Philox random(options.seed, "silhouette");
  const bool all = rows <= options.rows_max;
  std::priority_queue<Draw> lowest;  // the highest of them on top
  std::vector<std::uint64_t> chosen;
  for (std::uint64_t row = 0; row < rows; ++row) {
    if (all) {
      chosen.push_back(row);
      continue;
    }
    const Draw draw{random.Bits(row), row};
    if (lowest.size() == options.rows_max && !(draw < lowest.top())) continue;
    lowest.push(draw);
    if (lowest.size() > options.rows_max) lowest.pop();
  }
  for (; !lowest.empty(); lowest.pop()) chosen.push_back(lowest.top().second);
  std::ranges::sort(chosen);
  return chosen;
}

// Silhouettes of the points [first, last) against all.
class SilhouetteRows {
 public:
  SilhouetteRows(const ClusterPoints& points, std::size_t clusters)
      : points_(points), size_(clusters, 0.0) {
    for (std::size_t i = 0; i < points.labels.size(); ++i) size_[Label(i)] += 1.0;
  }

  [[nodiscard]] std::size_t Occupied() const {
    return static_cast<std::size_t>(
        std::ranges::count_if(size_, [](double size) { return size > 0; }));
  }

  void Fill(std::size_t first, std::size_t last, std::vector<double>& silhouettes) const {
    std::vector<double> sums(size_.size());
    for (std::size_t k = first; k < last; ++k) {
      std::ranges::fill(sums, 0.0);
      for (std::size_t j = 0; j < points_.labels.size(); ++j) sums[Label(j)] += Distance(k, j);
      silhouettes[k] = OfRow(Label(k), sums);
    }
  }

 private:
  [[nodiscard]] std::size_t Label(std::size_t i) const {
    return static_cast<std::size_t>(points_.labels[i]);
  }

  [[nodiscard]] double Distance(std::size_t i, std::size_t j) const {
    const double* a = points_.x.data() + i * points_.features;
    const double* b = points_.x.data() + j * points_.features;
    double sum = 0.0;
    for (std::size_t f = 0; f < points_.features; ++f) sum += (a[f] - b[f]) * (a[f] - b[f]);
    return std::sqrt(sum);
  }

  [[nodiscard]] double OfRow(std::size_t own, const std::vector<double>& sums) const {
    if (size_[own] <= 1.0) return 0.0;  // a cluster of one: 0 by definition
    const double inside = sums[own] / (size_[own] - 1.0);
    double nearest = std::numeric_limits<double>::infinity();
    for (std::size_t c = 0; c < sums.size(); ++c) {
      if (c != own && size_[c] > 0) nearest = std::min(nearest, sums[c] / size_[c]);
    }
    const double larger = std::max(inside, nearest);
    return larger > 0 ? (nearest - inside) / larger : 0.0;
  }

  const ClusterPoints& points_;
  std::vector<double> size_;
};

Result<void> RequireMemory(std::uint64_t rows, std::size_t features,
                           const SilhouetteOptions& options) {
  const auto needed = static_cast<double>(std::min<std::uint64_t>(rows, options.rows_max)) *
                      static_cast<double>(features * sizeof(double) + 32);
  if (options.memory_bytes <= 0 || needed <= static_cast<double>(options.memory_bytes)) return {};
  return Error::Invalid(
      fmt::format("the silhouette looks at {} rows of {} features at once, which need {}, and {} "
                  "are left for them",
                  std::min<std::uint64_t>(rows, options.rows_max), features,
                  FormatSize(static_cast<std::int64_t>(std::min(needed, 9e18))),
                  FormatSize(options.memory_bytes)),
      "lower silhouette_rows: a sample of so many rows then stands for all; or give the step more "
      "memory with resources: {memory: ...}");
}

}  // namespace

Result<ClusterPoints> PickRows(const ClusteredRows& clustering, std::span<const std::uint64_t> rows,
                               const Execution& execution) {
  const DataSource& source = clustering.rows;
  ClusterPoints points;
  points.features = source.feature_names().size();
  points.x.resize(rows.size() * points.features);
  points.labels.resize(rows.size());
  const auto pick = [&](std::size_t index) -> Result<void> {
    const std::uint64_t begin = static_cast<std::uint64_t>(index) * kTileRows;
    const auto first = std::ranges::lower_bound(rows, begin);
    const auto last = std::ranges::lower_bound(rows, begin + kTileRows);
    if (first == last) return {};
    Tile scratch;
    DML_TRY(const Tile* tile, source.View(index, scratch));
    std::vector<std::int32_t> labels(tile->rows);
    clustering.assign(*tile, labels);
    std::vector<double> dense;
    const double* const x = DenseRows(*tile, dense);
    auto at = static_cast<std::size_t>(first - rows.begin());
    for (auto row = first; row != last; ++row, ++at) {
      const auto in_tile = static_cast<std::size_t>(*row - begin);
      points.labels[at] = labels[in_tile];
      std::copy_n(x + in_tile * points.features, points.features,
                  points.x.data() + at * points.features);
    }
    return {};
  };
  DML_RETURN_IF_ERROR(ForEachTile(0, source.tile_count(), execution, pick));
  return points;
}

Result<Score> Silhouette(const ClusteredRows& clustering, const SilhouetteOptions& options,
                         const Execution& execution) {
  const std::uint64_t total = clustering.rows.rows();
  DML_RETURN_IF_ERROR(RequireMemory(total, clustering.rows.feature_names().size(), options));
  DML_TRY(const ClusterPoints points, PickRows(clustering, Sample(total, options), execution));
  const std::size_t count = points.labels.size();
  const SilhouetteRows rows(points, clustering.clusters);
  if (rows.Occupied() < 2 || rows.Occupied() >= count) {
    return Score::Undefined(
        "At least two clusters with rows, and fewer clusters than rows, are needed.");
  }
  std::vector<double> silhouettes(count);
  constexpr std::size_t kBlock = 64;  // points that a thread takes at once
  const auto fill = [&](std::size_t block) -> Result<void> {
    rows.Fill(block * kBlock, std::min((block + 1) * kBlock, count), silhouettes);
    return {};
  };
  DML_RETURN_IF_ERROR(ForEachTile(0, (count + kBlock - 1) / kBlock, execution, fill));
  RowSum sum;
  for (const double silhouette : silhouettes) sum.Add(silhouette);
  std::string note;
  if (count < total) {
    note = fmt::format("Computed on a deterministic sample of {} of the {} rows.", count, total);
  }
  return Score::Of(sum.value() / static_cast<double>(count), note);
}

}  // namespace dml::learn

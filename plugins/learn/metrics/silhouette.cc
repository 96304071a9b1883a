#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <mutex>
#include <queue>
#include <span>
#include <utility>
#include <vector>

#include "base/quantity.h"
#include "base/random.h"
#include "plugins/learn/fit_loop.h"
#include "plugins/learn/metrics/cluster_distances.h"
#include "plugins/learn/metrics/clustering.h"

namespace dml::learn {

namespace {

// The rows that stand for all: every row, or those of the lowest draws, in row order.
std::vector<std::uint64_t> SampleOfRows(std::uint64_t rows, std::uint64_t rows_max,
                                        std::uint64_t seed) {
  using Draw = std::pair<std::uint64_t, std::uint64_t>;  // the draw, then the row
  const Philox random(seed, "silhouette");
  const bool all = rows <= rows_max;
  std::priority_queue<Draw> lowest;  // the highest of them on top
  std::vector<std::uint64_t> chosen;
  for (std::uint64_t row = 0; row < rows; ++row) {
    if (all) {
      chosen.push_back(row);
      continue;
    }
    const Draw draw{random.Bits(row), row};
    if (lowest.size() == rows_max && !(draw < lowest.top())) continue;
    lowest.push(draw);
    if (lowest.size() > rows_max) lowest.pop();
  }
  for (; !lowest.empty(); lowest.pop()) chosen.push_back(lowest.top().second);
  std::ranges::sort(chosen);
  return chosen;
}

// Of a point of the cluster `own` with these sums of distances to the points of each cluster.
double SilhouetteOf(const ClusterDistances& distances, std::size_t own,
                    std::span<const double> sums) {
  const auto size = [&](std::size_t c) { return static_cast<double>(distances.size(c)); };
  if (size(own) <= 1.0) return 0.0;  // a cluster of one: 0 by definition
  const double inside = sums[own] / (size(own) - 1.0);
  double nearest = std::numeric_limits<double>::infinity();
  for (std::size_t c = 0; c < sums.size(); ++c) {
    if (c != own && size(c) > 0) nearest = std::min(nearest, sums[c] / size(c));
  }
  const double larger = std::max(inside, nearest);
  return larger > 0 ? (nearest - inside) / larger : 0.0;
}

// Tells how many of the blocks are done, a hundred times at most.
class BlocksDone {
 public:
  BlocksDone(std::size_t blocks, const Execution& execution)
      : blocks_(blocks), execution_(execution) {}

  void Add() {
    if (!execution_.progress) return;
    const std::scoped_lock lock(mutex_);
    const std::size_t before = done_++ * 100 / blocks_;
    if (done_ * 100 / blocks_ == before) return;
    execution_.progress(static_cast<double>(done_) / static_cast<double>(blocks_), "silhouette");
  }

 private:
  const std::size_t blocks_;
  const Execution& execution_;
  std::mutex mutex_;  // guards done_
  std::size_t done_ = 0;
};

Result<std::vector<double>> SilhouettesOf(const ClusterPoints& points,
                                          const ClusterDistances& distances,
                                          const Execution& execution) {
  const std::size_t count = points.labels.size();
  const std::size_t blocks = (count + distances.block() - 1) / distances.block();
  std::vector<double> silhouettes(count);
  BlocksDone done(blocks, execution);
  const auto fill = [&](std::size_t block) -> Result<void> {
    const std::size_t first = block * distances.block();
    const std::size_t last = std::min(first + distances.block(), count);
    std::vector<double> sums((last - first) * distances.clusters());
    distances.Sum(first, last, sums);
    for (std::size_t i = first; i < last; ++i) {
      const auto own = static_cast<std::size_t>(points.labels[i]);
      silhouettes[i] = SilhouetteOf(
          distances, own,
          std::span(sums).subspan((i - first) * distances.clusters(), distances.clusters()));
    }
    done.Add();
    return {};
  };
  DML_RETURN_IF_ERROR(ForEachTile(0, blocks, execution, fill));
  return silhouettes;
}

Result<void> RequireMemory(std::uint64_t rows, std::size_t features, std::int64_t memory_bytes) {
  const double needed =
      static_cast<double>(rows) * static_cast<double>(features * sizeof(double) + 32);
  if (memory_bytes <= 0 || needed <= static_cast<double>(memory_bytes)) return {};
  return Error::Invalid(
      fmt::format("the silhouette looks at {} rows of {} features at once, which need {}, and {} "
                  "are left for them",
                  rows, features, FormatSize(static_cast<std::int64_t>(std::min(needed, 9e18))),
                  FormatSize(memory_bytes)),
      "lower silhouette_rows: a sample of so many rows then stands for all; or give the step more "
      "memory with resources: {memory: ...}");
}

// Row `row` of the tile to `to`, which is zero. Of a sparse tile only these rows are spread out.
void CopyTileRow(const Tile& tile, std::size_t row, double* to) {
  if (!tile.sparse()) {
    std::copy_n(tile.x.data() + row * tile.features, tile.features, to);
    return;
  }
  for (std::int64_t i = tile.offsets[row]; i < tile.offsets[row + 1]; ++i) {
    const auto cell = static_cast<std::size_t>(i);
    to[static_cast<std::size_t>(tile.indices[cell])] += tile.values[cell];
  }
}

std::string NoteOfSample(std::uint64_t count, std::uint64_t total) {
  const double ratio = static_cast<double>(total) / static_cast<double>(count);
  return fmt::format(
      "Computed on a deterministic sample of {} of the {} rows. Ask for all of them with "
      "silhouette_rows: all, which is {:.1f} times the work.",
      count, total, ratio * ratio);
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
    auto at = static_cast<std::size_t>(first - rows.begin());
    for (auto row = first; row != last; ++row, ++at) {
      const auto in_tile = static_cast<std::size_t>(*row - begin);
      points.labels[at] = labels[in_tile];
      CopyTileRow(*tile, in_tile, points.x.data() + at * points.features);
    }
    return {};
  };
  DML_RETURN_IF_ERROR(ForEachTile(0, source.tile_count(), execution, pick));
  return points;
}

std::uint64_t SilhouetteRowsMax(std::size_t features) {
  constexpr double kWork = 4e11;
  constexpr double kRoot = 10.0;  // what a root and a sum cost, in features
  return static_cast<std::uint64_t>(std::sqrt(kWork / (static_cast<double>(features) + kRoot)));
}

Result<Score> Silhouette(const ClusteredRows& clustering, const SilhouetteOptions& options,
                         const Execution& execution) {
  const std::uint64_t total = clustering.rows.rows();
  const std::size_t features = clustering.rows.feature_names().size();
  const std::uint64_t rows_max = options.rows_max.value_or(SilhouetteRowsMax(features));
  DML_RETURN_IF_ERROR(RequireMemory(std::min(total, rows_max), features, options.memory_bytes));
  DML_TRY(const ClusterPoints points,
          PickRows(clustering, SampleOfRows(total, rows_max, options.seed), execution));
  const std::size_t count = points.labels.size();
  const ClusterDistances distances(points, clustering.clusters);
  if (distances.occupied() < 2 || distances.occupied() >= count) {
    return Score::Undefined(
        "At least two clusters with rows, and fewer clusters than rows, are needed.");
  }
  DML_TRY(const std::vector<double> silhouettes, SilhouettesOf(points, distances, execution));
  RowSum sum;
  for (const double silhouette : silhouettes) sum.Add(silhouette);
  const std::string note = count < total ? NoteOfSample(count, total) : std::string();
  return Score::Of(sum.value() / static_cast<double>(count), note);
}

}  // namespace dml::learn

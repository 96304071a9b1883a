#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "plugins/learn/data_source.h"
#include "plugins/learn/execution.h"
#include "plugins/learn/metrics/score.h"

// Figures of a clustering, by scikit-learn's definitions. The first group looks at the points, the
// second compares two labellings of the same rows. Rows stream: they are held nowhere but in the
// sample of the silhouette. No bit of a figure depends on partitions or threads.

namespace dml::learn {

// Rows and the cluster of each. Borrowed. Clusters are 0 .. clusters - 1 and may be empty.
struct ClusteredRows {
  const DataSource& rows;
  std::size_t clusters = 0;
  // The clusters of the rows of a tile, one each. Called concurrently.
  std::function<void(const Tile& tile, std::span<std::int32_t> out)> assign;
};

// What all figures of the points are made from, but the silhouette.
struct ClusterSummary {
  std::size_t features = 0;
  std::vector<double> size;       // rows of each cluster
  std::vector<double> mean;       // clusters x features
  std::vector<double> squares;    // of each cluster: sum of squared distances to its mean
  std::vector<double> distances;  // and of the distances

  [[nodiscard]] double rows() const;
  [[nodiscard]] std::size_t occupied() const;  // clusters with rows
  [[nodiscard]] std::span<const double> centre(std::size_t cluster) const {
    return {mean.data() + cluster * features, features};
  }
};

// In two passes.
Result<ClusterSummary> SummariseClusters(const ClusteredRows& clustering,
                                         const Execution& execution);

// Sum of squared distances to the mean of each row's own cluster.
[[nodiscard]] Score Inertia(const ClusterSummary& summary);
// Ratio of between- to within-cluster dispersion (Calinski, Harabasz 1974); greater is better.
[[nodiscard]] Score CalinskiHarabasz(const ClusterSummary& summary);
// Mean over clusters of the worst similarity to another one (Davies, Bouldin 1979); less is better.
[[nodiscard]] Score DaviesBouldin(const ClusterSummary& summary);

// Some rows, and the cluster of each.
struct ClusterPoints {
  std::size_t features = 0;
  std::vector<double> x;  // row-major
  std::vector<std::int32_t> labels;
};

// The rows listed, which ascend.
Result<ClusterPoints> PickRows(const ClusteredRows& clustering, std::span<const std::uint64_t> rows,
                               const Execution& execution);

// As many rows as a silhouette looks at if nobody says otherwise: rows^2 x (features + 10) stays
// below 4e11, which takes one core about half a minute. 115,470 rows of 20 features.
[[nodiscard]] std::uint64_t SilhouetteRowsMax(std::size_t features);

struct SilhouetteOptions {
  std::optional<std::uint64_t> rows_max = {};  // empty: SilhouetteRowsMax
  std::uint64_t seed = 0;
  std::int64_t memory_bytes = 0;  // for the rows; 0: as much as it takes
};

// Mean silhouette (Rousseeuw 1987) with Euclidean distances: exact up to `rows_max` rows. Above,
// the rows_max rows whose Philox(seed, row) draw is lowest stand for all, and the note says so.
// Looks at all pairs of these rows, and holds the rows; kInvalid if the memory is too little.
Result<Score> Silhouette(const ClusteredRows& clustering, const SilhouetteOptions& options,
                         const Execution& execution);

// How many rows bear each pair of a true label and a cluster. Integers, ordered by label, so that
// nothing depends on the order of the rows.
struct LabelCounts {
  std::map<std::pair<std::string, std::int32_t>, std::int64_t> pairs;

  void Add(std::string truth, std::int32_t found) { ++pairs[{std::move(truth), found}]; }
  void Merge(const LabelCounts& right);
};

// How well clusters agree with the true labels.
struct LabelAgreement {
  Score adjusted_rand;      // Hubert, Arabie 1985: 0 by chance, 1 if equal up to names
  Score normalized_mutual;  // mutual information over the mean of the entropies
  Score homogeneity;        // each cluster holds one class only
  Score completeness;       // each class lies in one cluster only
  Score v_measure;          // their harmonic mean
};
[[nodiscard]] LabelAgreement CompareLabels(const LabelCounts& counts);

}  // namespace dml::learn

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "plugins/learn/metrics/score.h"

// Figures of a clustering, by scikit-learn's definitions. The first group looks at the points, the
// second compares two labellings of the same rows.

namespace dml::learn {

// Points and the cluster of each. Borrowed. Labels are 0 .. clusters - 1; clusters may be empty.
struct Clustering {
  std::span<const double> x;  // rows x features, row-major
  std::size_t features = 0;
  std::span<const std::int32_t> labels;
  std::size_t clusters = 0;

  [[nodiscard]] std::size_t rows() const { return labels.size(); }
  [[nodiscard]] std::span<const double> row(std::size_t i) const {
    return x.subspan(i * features, features);
  }
};

// Sum of squared distances to the mean of each row's own cluster.
[[nodiscard]] Score Inertia(const Clustering& clustering);
// Ratio of between- to within-cluster dispersion (Calinski, Harabasz 1974); greater is better.
[[nodiscard]] Score CalinskiHarabasz(const Clustering& clustering);
// Mean over clusters of the worst similarity to another one (Davies, Bouldin 1979); less is better.
[[nodiscard]] Score DaviesBouldin(const Clustering& clustering);

inline constexpr std::size_t kSilhouetteRows = 10'000;

// Mean silhouette (Rousseeuw 1987) with Euclidean distances: exact up to `rows_max` rows. Above,
// the rows_max rows whose Philox(seed, row) draw is lowest stand for all, and the note says so.
// Costs rows^2 x features; `threads` does not change a bit of the result.
[[nodiscard]] Score Silhouette(const Clustering& clustering, std::size_t rows_max = kSilhouetteRows,
                               std::uint64_t seed = 0, int threads = 1);

// How well `found` agrees with `truth`; labels are any non-negative integers, rows correspond.
struct LabelAgreement {
  Score adjusted_rand;      // Hubert, Arabie 1985: 0 by chance, 1 if equal up to names
  Score normalized_mutual;  // mutual information over the mean of the entropies
  Score homogeneity;        // each cluster holds one class only
  Score completeness;       // each class lies in one cluster only
  Score v_measure;          // their harmonic mean
};
[[nodiscard]] LabelAgreement CompareLabels(std::span<const std::int32_t> truth,
                                           std::span<const std::int32_t> found);

}  // namespace dml::learn

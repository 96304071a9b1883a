#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "plugins/learn/metrics/clustering.h"

namespace dml::learn {

// How far points are from those of each cluster, all pairs of them. Distances are summed in the
// order of the points' indices, in kPanelPoints interleaved sums: who asks for which points, and in
// what blocks, changes no bit. Borrows the points; const and thread-safe.
class ClusterDistances {
 public:
  ClusterDistances(const ClusterPoints& points, std::size_t clusters);

  [[nodiscard]] std::size_t clusters() const { return first_.size() - 1; }
  [[nodiscard]] std::size_t size(std::size_t cluster) const {
    return first_[cluster + 1] - first_[cluster];
  }
  [[nodiscard]] std::size_t occupied() const;  // clusters with points

  // How many points to ask for at once: what they share costs less than what they are then, and
  // they stay in a core's own cache.
  [[nodiscard]] std::size_t block() const { return block_; }

  // sums[i * clusters() + c]: the distances from point first + i to all points of cluster c, for
  // the points [first, last).
  void Sum(std::size_t first, std::size_t last, std::span<double> sums) const;

 private:
  const ClusterPoints& points_;
  std::size_t block_;
  std::vector<std::size_t> first_;  // of each cluster in order_, and the end
  std::vector<std::size_t> order_;  // points by cluster
};

}  // namespace dml::learn

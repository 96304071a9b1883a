#include "plugins/learn/metrics/cluster_distances.h"

#include <algorithm>
#include <numeric>

#include "plugins/learn/kernels/distance_sums.h"

namespace dml::learn {

namespace {

// Up to kPanelPoints points side by side, as the kernel wants them.
struct PackedPoints {
  std::vector<double> values;
  std::vector<double> weight;

  explicit PackedPoints(std::size_t features)
      : values(features * kPanelPoints), weight(kPanelPoints) {}

  // Places without a point repeat the last one, without weight: what is there is as good a number.
  void Pack(const ClusterPoints& points, std::span<const std::size_t> which) {
    for (std::size_t l = 0; l < kPanelPoints; ++l) {
      weight[l] = l < which.size() ? 1.0 : 0.0;
      const double* const from =
          points.x.data() + which[std::min(l, which.size() - 1)] * points.features;
      for (std::size_t j = 0; j < points.features; ++j) values[j * kPanelPoints + l] = from[j];
    }
  }
};

// Packing a panel costs as much as a few rows of it: the more rows the better, up to a megabyte.
std::size_t BlockOf(std::size_t features) {
  constexpr std::size_t kValues = std::size_t{1} << 17U;
  return std::clamp<std::size_t>(kValues / std::max<std::size_t>(features, 1) / kDistanceRows, 8,
                                 32) *
         kDistanceRows;
}

// In a fixed tree, like the sums along a row.
double SumOfPanel(const double* sums) {
  double half[kPanelPoints];
  std::copy_n(sums, kPanelPoints, half);
  for (std::size_t width = kPanelPoints / 2; width > 0; width /= 2) {
    for (std::size_t l = 0; l < width; ++l) half[l] += half[l + width];
  }
  return half[0];
}

}  // namespace

ClusterDistances::ClusterDistances(const ClusterPoints& points, std::size_t clusters)
    : points_(points),
      block_(BlockOf(points.features)),
      first_(clusters + 1, 0),
      order_(points.labels.size()) {
  for (const std::int32_t label : points.labels) ++first_[static_cast<std::size_t>(label) + 1];
  std::partial_sum(first_.begin(), first_.end(), first_.begin());
  std::vector<std::size_t> next(first_.begin(), first_.end() - 1);
  for (std::size_t i = 0; i < order_.size(); ++i) {
    order_[next[static_cast<std::size_t>(points.labels[i])]++] = i;
  }
}

std::size_t ClusterDistances::occupied() const {
  std::size_t count = 0;
  for (std::size_t c = 0; c < clusters(); ++c) count += size(c) > 0 ? 1U : 0U;
  return count;
}

void ClusterDistances::Sum(std::size_t first, std::size_t last, std::span<double> sums) const {
  const std::size_t p = points_.features;
  const std::size_t rows = (last - first + kDistanceRows - 1) / kDistanceRows * kDistanceRows;
  std::vector<double> x(rows * p, 0.0);
  std::copy(points_.x.begin() + static_cast<std::ptrdiff_t>(first * p),
            points_.x.begin() + static_cast<std::ptrdiff_t>(last * p), x.begin());
  std::vector<double> panel_sums(rows * kPanelPoints);
  PackedPoints packed(p);
  for (std::size_t c = 0; c < clusters(); ++c) {
    std::ranges::fill(panel_sums, 0.0);
    for (std::size_t at = first_[c]; at < first_[c + 1]; at += kPanelPoints) {
      const std::size_t count = std::min(kPanelPoints, first_[c + 1] - at);
      packed.Pack(points_, {order_.data() + at, count});
      AddDistances(x.data(), rows, p, {packed.values.data(), packed.weight.data()},
                   panel_sums.data());
    }
    for (std::size_t i = 0; i < last - first; ++i) {
      sums[i * clusters() + c] = SumOfPanel(panel_sums.data() + i * kPanelPoints);
    }
  }
}

}  // namespace dml::learn

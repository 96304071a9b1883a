// The silhouette by blocks is that by the definition, and the same bits whoever computes it.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "base/random.h"
#include "plugins/learn/matrix_source.h"
#include "plugins/learn/metrics/clustering.h"

namespace dml::learn {
namespace {

struct Clustered {
  std::size_t features = 0;
  std::size_t clusters = 0;
  std::vector<double> x;
  std::vector<std::int32_t> labels;

  [[nodiscard]] std::size_t rows() const { return labels.size(); }
};

// Overlapping clusters far from the origin, of very different sizes; every fifth is empty.
Clustered DrawClusters(std::size_t rows, std::size_t features, std::size_t clusters) {
  const Philox random(3, "silhouette test");
  Clustered out{features, clusters, {}, {}};
  for (std::size_t i = 0; i < rows; ++i) {
    const double draw = random.Uniform(i, features);
    auto label = static_cast<std::int32_t>(draw * draw * static_cast<double>(clusters));
    if (label % 5 == 4) --label;
    out.labels.push_back(label);
    for (std::size_t j = 0; j < features; ++j) {
      out.x.push_back(1e5 + random.Normal(i, j) + (j % 3 == 0 ? label : 0));
    }
  }
  return out;
}

double Distance(const Clustered& data, std::size_t a, std::size_t b) {
  double sum = 0.0;
  for (std::size_t j = 0; j < data.features; ++j) {
    const double apart = data.x[a * data.features + j] - data.x[b * data.features + j];
    sum += apart * apart;
  }
  return std::sqrt(sum);
}

// Word by word: a the mean distance to the others of the cluster, b to those of the nearest other.
double ByDefinition(const Clustered& data) {
  double total = 0.0;
  for (std::size_t i = 0; i < data.rows(); ++i) {
    std::vector<double> sum(data.clusters, 0.0);
    std::vector<double> count(data.clusters, 0.0);
    for (std::size_t k = 0; k < data.rows(); ++k) {
      if (k == i) continue;
      const auto label = static_cast<std::size_t>(data.labels[k]);
      sum[label] += Distance(data, i, k);
      count[label] += 1.0;
    }
    const auto own = static_cast<std::size_t>(data.labels[i]);
    if (count[own] == 0) continue;
    double b = std::numeric_limits<double>::infinity();
    for (std::size_t c = 0; c < data.clusters; ++c) {
      if (c != own && count[c] > 0) b = std::min(b, sum[c] / count[c]);
    }
    const double a = sum[own] / count[own];
    total += (b - a) / std::max(a, b);
  }
  return total / static_cast<double>(data.rows());
}

Result<Score> SilhouetteOf(const Clustered& data, int threads,
                           const SilhouetteOptions& options = {}) {
  const MatrixSource source({data.features, data.x, {}, {}});
  const ClusteredRows clustering{source, data.clusters,
                                 [&](const Tile& tile, std::span<std::int32_t> out) {
                                   for (std::size_t i = 0; i < tile.rows; ++i) {
                                     out[i] = data.labels[tile.first_row + i];
                                   }
                                 }};
  Execution execution;
  execution.threads = threads;
  return Silhouette(clustering, options, execution);
}

TEST(Silhouette, IsThatOfTheDefinition) {
  struct Shape {
    std::size_t rows, features, clusters;
  };
  for (const Shape& shape : {Shape{3, 1, 2}, Shape{40, 2, 3}, Shape{257, 7, 4}, Shape{1000, 20, 6},
                             Shape{300, 3, 90}, Shape{70, 2500, 3}}) {
    SCOPED_TRACE(shape.rows);
    const Clustered data = DrawClusters(shape.rows, shape.features, shape.clusters);
    const auto found = SilhouetteOf(data, 2);
    ASSERT_TRUE(found.ok() && found->defined());
    EXPECT_NEAR(*found->value, ByDefinition(data), 1e-12);
  }
}

TEST(Silhouette, OfTightClustersFarAwayKeepsItsDigits) {
  Clustered data{2, 2, {}, {}};
  for (int i = 0; i < 200; ++i) {
    data.labels.push_back(i % 2);
    data.x.push_back(1e9 + i % 2 * 1e-3 + i % 7 * 1e-6);
    data.x.push_back(-1e9 + i % 5 * 1e-6);
  }
  EXPECT_NEAR(*SilhouetteOf(data, 1)->value, ByDefinition(data), 1e-12);
}

TEST(Silhouette, IsTheSameBitsForAnyNumberOfThreads) {
  const Clustered data = DrawClusters(6000, 5, 7);
  const double alone = *SilhouetteOf(data, 1)->value;
  for (const int threads : {2, 3, 7}) EXPECT_EQ(*SilhouetteOf(data, threads)->value, alone);
  // A sample as large as all rows are all rows.
  EXPECT_EQ(*SilhouetteOf(data, 2, {6000, 5, 0})->value, alone);
}

TEST(Silhouette, IsExactUnlessItWouldTakeVeryLong) {
  EXPECT_EQ(SilhouetteRowsMax(20), 115'470U);
  EXPECT_EQ(SilhouetteRowsMax(2), 182'574U);
  EXPECT_EQ(SilhouetteRowsMax(1000), 19'900U);
  const Clustered data = DrawClusters(11'000, 2, 3);
  EXPECT_TRUE(SilhouetteOf(data, 2)->note.empty());
  const std::string note = SilhouetteOf(data, 2, {5'500, 0, 0})->note;
  EXPECT_NE(note.find("a deterministic sample of 5500 of the 11000 rows"), std::string::npos)
      << note;
  EXPECT_NE(note.find("silhouette_rows: all, which is 4.0 times the work"), std::string::npos)
      << note;
}

TEST(Silhouette, TellsHowFarItIs) {
  const Clustered data = DrawClusters(3000, 2, 3);
  const MatrixSource source({data.features, data.x, {}, {}});
  const ClusteredRows clustering{
      source, 3, [&](const Tile& tile, std::span<std::int32_t> out) {
        std::copy_n(data.labels.begin() + static_cast<std::ptrdiff_t>(tile.first_row), tile.rows,
                    out.begin());
      }};
  Execution execution;
  std::vector<double> told;
  execution.progress = [&](double fraction, const char*) { told.push_back(fraction); };
  ASSERT_TRUE(Silhouette(clustering, {}, execution).ok());
  ASSERT_GT(told.size(), 5U);
  EXPECT_TRUE(std::ranges::is_sorted(told));
  EXPECT_EQ(told.back(), 1.0);
}

}  // namespace
}  // namespace dml::learn

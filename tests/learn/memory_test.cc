// Training streams tiles: what a fit holds does not grow with the rows.

#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "plugins/learn/cluster/kmeans.h"
#include "plugins/learn/linear/least_squares.h"
#include "plugins/learn/linear/logistic_regression.h"
#include "plugins/learn/tile_cache.h"
#include "tests/sanitized.h"

namespace dml::learn {
namespace {

// Rows that exist only while they are read: 3 million of 16 doubles, 400 MB in all.
class EndlessRows final : public DataSource {
 public:
  EndlessRows() {
    for (std::size_t j = 0; j < kFeatures; ++j) names_.push_back("x" + std::to_string(j));
  }
  [[nodiscard]] std::size_t tile_count() const override { return kTiles; }
  [[nodiscard]] std::uint64_t rows() const override { return kTiles * kTileRows; }
  [[nodiscard]] const std::vector<std::string>& feature_names() const override { return names_; }
  [[nodiscard]] bool sparse() const override { return false; }
  Result<void> Read(std::size_t tile, Tile& out) const override {
    out.rows = kTileRows;
    out.features = kFeatures;
    out.first_row = tile * kTileRows;
    out.x.resize(kTileRows * kFeatures);
    out.y.resize(kTileRows);
    std::uint64_t state = tile * 7919 + 1;
    for (std::size_t r = 0; r < kTileRows; ++r) {
      double sum = 0.0;
      for (std::size_t j = 0; j < kFeatures; ++j) {
        state = state * 6364136223846793005U + 1442695040888963407U;
        const double value = static_cast<double>(state >> 40U) / 16777216.0;
        out.x[r * kFeatures + j] = value;
        sum += j % 2 == 0 ? value : -value;
      }
      out.y[r] = sum + 0.5 * out.x[r * kFeatures] > 0.25 ? 1.0 : 0.0;
    }
    return {};
  }

 private:
  static constexpr std::size_t kFeatures = 16;
  static constexpr std::size_t kTiles = 750;
  std::vector<std::string> names_;
};

std::uint64_t PeakBytes() {
  std::ifstream in("/proc/self/status");
  for (std::string word; in >> word;) {
    std::uint64_t kib = 0;
    if (word == "VmHWM:" && in >> kib) return kib * 1024;
  }
  return 0;
}

// What `fit` adds to the peak of memory. Sanitizers hold on to freed memory, so that under them
// there is nothing to measure.
template <typename Fit>
std::uint64_t Added(const Fit& fit) {
  std::ofstream("/proc/self/clear_refs") << "5";  // the peak starts again from now
  [[maybe_unused]] const std::uint64_t before = PeakBytes();
  const Result<FitResult> result = fit();
  EXPECT_TRUE(result.ok());
#if defined(DML_SANITIZED)
  return 0;
#else
  return PeakBytes() - before;
#endif
}

TEST(Memory, DoesNotGrowWithTheRows) {
  const EndlessRows rows;
  Execution execution;
  execution.threads = 2;
  constexpr std::uint64_t kMiB = 1U << 20U;
  EXPECT_LT(Added([&] { return FitRidge(rows, {}, execution); }), 16 * kMiB);
  EXPECT_LT(Added([&] { return FitLogistic(rows, 2, {}, execution); }), 64 * kMiB);
  const KMeansOptions options{.clusters = 4, .n_init = 1, .max_iter = 2};
  EXPECT_LT(Added([&] { return FitKMeans(rows, options, execution); }),
            4 * kSampleBytes + 16 * kMiB);
}

TEST(Memory, ACacheKeepsToItsBudget) {
  const EndlessRows rows;
  const TileCache cache(rows, 32U << 20U, testing::TempDir());
  Execution execution;
  execution.threads = 2;
  constexpr std::uint64_t kMiB = 1U << 20U;
  const auto twice = [&] {
    (void)FitRidge(cache, {}, execution);
    return FitRidge(cache, {}, execution);
  };
  EXPECT_LT(Added(twice), 56 * kMiB);
  EXPECT_GT(cache.bytes_on_disk(), 300 * kMiB);
}

}  // namespace
}  // namespace dml::learn

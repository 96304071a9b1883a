#include "plugins/learn/tile_cache.h"

#include <gtest/gtest.h>

#include <atomic>

#include "plugins/learn/cluster/kmeans.h"
#include "tests/learn/fixture.h"

namespace dml::learn {
namespace {

// Counts how often tiles are asked for.
class CountingSource final : public DataSource {
 public:
  explicit CountingSource(const DataSource& inner) : inner_(inner) {}
  [[nodiscard]] std::size_t tile_count() const override { return inner_.tile_count(); }
  [[nodiscard]] std::uint64_t rows() const override { return inner_.rows(); }
  [[nodiscard]] const std::vector<std::string>& feature_names() const override {
    return inner_.feature_names();
  }
  [[nodiscard]] bool sparse() const override { return inner_.sparse(); }
  Result<void> Read(std::size_t tile, Tile& out) const override {
    ++reads;
    return inner_.Read(tile, out);
  }
  mutable std::atomic<int> reads = 0;

 private:
  const DataSource& inner_;
};

TEST(TileCache, SpillsBeyondItsBudgetAndReadsEachTileOnce) {
  const MatrixSource matrix(ToMatrix(Fixture("credit"), true), 50);
  const CountingSource counting(matrix);
  const TileCache cache(counting, 10000, testing::TempDir());
  for (int pass = 0; pass < 3; ++pass) {
    for (std::size_t t = 0; t < matrix.tile_count(); ++t) {
      Tile expected;
      Tile found;
      ASSERT_TRUE(matrix.Read(t, expected).ok());
      ASSERT_TRUE(cache.Read(t, found).ok());
      EXPECT_EQ(found.x, expected.x);
      EXPECT_EQ(found.y, expected.y);
      EXPECT_EQ(found.weight, expected.weight);
      EXPECT_EQ(found.first_row, expected.first_row);
    }
  }
  EXPECT_EQ(counting.reads, static_cast<int>(matrix.tile_count()));
  EXPECT_GT(cache.bytes_in_memory(), 0U);
  EXPECT_LE(cache.bytes_in_memory(), 10000U);
  EXPECT_GT(cache.bytes_on_disk(), 0U);
}

TEST(TileCache, WithoutAScratchFolderTheRestIsReadAgain) {
  const MatrixSource matrix(ToMatrix(Fixture("credit"), true), 50);
  const CountingSource counting(matrix);
  const TileCache cache(counting, 10000, "");
  Tile tile;
  for (std::size_t t = 0; t < matrix.tile_count(); ++t) ASSERT_TRUE(cache.Read(t, tile).ok());
  const int first = counting.reads;
  for (std::size_t t = 0; t < matrix.tile_count(); ++t) ASSERT_TRUE(cache.Read(t, tile).ok());
  EXPECT_EQ(cache.bytes_on_disk(), 0U);
  EXPECT_LT(counting.reads - first, first) << "what fits is kept";
  EXPECT_GT(counting.reads, first) << "what does not is read again";
}

TEST(TileCache, GivesTheSameModelFromDiskAsFromMemory) {
  const MatrixSource matrix(ToMatrix(Fixture("credit")), 50);
  const TileCache on_disk(matrix, 0, testing::TempDir());
  Execution execution;
  execution.threads = 3;
  const KMeansOptions options{.clusters = 4, .n_init = 1};
  const Result<FitResult> a = FitKMeans(matrix, options, {});
  const Result<FitResult> b = FitKMeans(on_disk, options, execution);
  ASSERT_TRUE(b.ok()) << b.error().Render();
  EXPECT_EQ(a->certificate.ToJson(), b->certificate.ToJson());
}

TEST(TileCache, AMissingFolderIsAnError) {
  const MatrixSource matrix(ToMatrix(Fixture("credit")), 50);
  const TileCache cache(matrix, 0, "/nonexistent");
  Tile tile;
  const Result<void> status = cache.Read(0, tile);
  ASSERT_FALSE(status.ok());
  EXPECT_NE(status.error().message.find("/nonexistent"), std::string::npos);
}

}  // namespace
}  // namespace dml::learn

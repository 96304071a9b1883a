// Clusters of sparse rows are judged as those of the same dense ones, and in the memory of few
// rows.

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "base/random.h"
#include "plugins/learn/matrix_source.h"
#include "plugins/learn/metrics/clustering.h"
#include "tests/sanitized.h"
#include "tests/steps/limited_memory.h"

namespace dml::learn {
namespace {

// Every other row in one of two clusters; a few features of each row are stored.
Tile SparseRows(std::size_t rows, std::size_t features) {
  const Philox random(5, "sparse clusters");
  Tile tile;
  tile.rows = rows;
  tile.features = features;
  tile.offsets.push_back(0);
  for (std::size_t row = 0; row < rows; ++row) {
    for (std::size_t f = row % 2; f < features; f += 1 + features / 4) {
      tile.indices.push_back(static_cast<std::int32_t>(f));
      tile.values.push_back(random.Normal(row, f));
    }
    tile.offsets.push_back(static_cast<std::int64_t>(tile.values.size()));
  }
  return tile;
}

Tile Dense(const Tile& sparse) {
  Tile tile;
  tile.rows = sparse.rows;
  tile.features = sparse.features;
  tile.x.resize(tile.rows * tile.features);
  for (std::size_t row = 0; row < tile.rows; ++row) {
    for (std::int64_t i = sparse.offsets[row]; i < sparse.offsets[row + 1]; ++i) {
      const auto cell = static_cast<std::size_t>(i);
      tile.x[row * tile.features + static_cast<std::size_t>(sparse.indices[cell])] =
          sparse.values[cell];
    }
  }
  return tile;
}

struct Judged {
  ClusterSummary summary;
  double silhouette = 0.0;
};

Judged Judge(Tile tile, std::uint64_t silhouette_rows) {
  const std::size_t features = tile.features;
  const bool sparse = tile.sparse();
  const MatrixSource source({std::move(tile)}, features, sparse);
  const ClusteredRows clustering{source, 2, [](const Tile& of, std::span<std::int32_t> out) {
                                   for (std::size_t i = 0; i < of.rows; ++i) {
                                     out[i] = static_cast<std::int32_t>(i % 2);
                                   }
                                 }};
  return {SummariseClusters(clustering, {}).value(),
          *Silhouette(clustering, {silhouette_rows, 0, 0}, {})->value};
}

TEST(SparseClusters, AreJudgedAsDenseOnes) {
  const Tile rows = SparseRows(300, 40);
  const Judged sparse = Judge(rows, 200);
  const Judged dense = Judge(Dense(rows), 200);
  EXPECT_EQ(sparse.summary.mean, dense.summary.mean);
  EXPECT_EQ(sparse.summary.squares, dense.summary.squares);
  EXPECT_EQ(sparse.summary.distances, dense.summary.distances);
  EXPECT_EQ(sparse.silhouette, dense.silhouette);
}

#if !defined(DML_SANITIZED)  // they take memory of their own
// Two gigabytes, if a tile was spread out as a whole.
TEST(SparseClusters, AreNeverSpreadOutAsAWhole) {
  const Tile rows = SparseRows(4096, 60'000);
  const pid_t child = ::fork();
  if (child == 0) {
    steps::LimitMemory(std::int64_t{256} << 20);
    const Judged judged = Judge(rows, 20);
    ::_exit(judged.summary.occupied() == 2 ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}
#endif

}  // namespace
}  // namespace dml::learn

// Sparse rows are never spread out as a whole, and are the same rows as dense ones.

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "base/random.h"
#include "plugins/learn/tree/binned_data.h"
#include "plugins/learn/tree/tree_fit.h"
#include "plugins/learn/tree/tree_predictor.h"
#include "tests/sanitized.h"
#include "tests/steps/limited_memory.h"
#include "tests/trees/tree_source.h"

namespace dml::learn {
namespace {

constexpr std::size_t kFeatures = 7;

// The same rows twice. A value is absent, stored as zero, missing, or one of many or few numbers.
struct TwoForms {
  std::vector<Tile> dense;
  std::vector<Tile> sparse;
};

double CellOf(std::size_t feature, double draw) {
  if (feature == 0) return draw < 0.5 ? 0.0 : -1.0;
  if (feature == 1 && draw > 0.95) return std::numeric_limits<double>::quiet_NaN();
  if (feature == 2) return draw - 0.5;  // nothing absent
  if (feature == 3) return 0.0;         // nothing stored, but for explicit zeros
  return draw < 0.8 ? 0.0 : draw * static_cast<double>(feature);
}

TwoForms MakeRows(std::size_t rows, std::size_t tile_rows) {
  const Philox random(7, "sparse rows");
  TwoForms out;
  for (std::size_t begin = 0; begin < rows; begin += tile_rows) {
    Tile dense;
    Tile sparse;
    sparse.offsets.push_back(0);
    dense.rows = sparse.rows = std::min(tile_rows, rows - begin);
    for (std::size_t row = begin; row < begin + dense.rows; ++row) {
      double sum = 0.0;
      for (std::size_t f = 0; f < kFeatures; ++f) {
        const double draw = random.Uniform(row * kFeatures + f);
        const double value = CellOf(f, draw);
        dense.x.push_back(value);
        if (!std::isnan(value)) sum += value;
        if (value == 0.0 && (f != 3 || row % 5 != 0)) continue;
        sparse.indices.push_back(static_cast<std::int32_t>(f));
        sparse.values.push_back(value);
      }
      sparse.offsets.push_back(static_cast<std::int64_t>(sparse.values.size()));
      for (Tile* tile : {&dense, &sparse}) {
        tile->y.push_back(sum > 1.0 ? 1.0 : 0.0);
        tile->weight.push_back(row % 11 == 0 ? 0.0 : 1.0);
      }
    }
    out.dense.push_back(std::move(dense));
    out.sparse.push_back(std::move(sparse));
  }
  return out;
}

void ExpectSameForests(const TwoForms& rows, int estimators) {
  ForestOptions options;
  options.n_estimators = estimators;
  options.tree.max_depth = 6;
  for (const std::size_t classes : {0U, 2U}) {
    const auto dense =
        FitRandomForest(TreeSource(kFeatures, rows.dense), classes, options, Execution{});
    const auto sparse =
        FitRandomForest(TreeSource(kFeatures, rows.sparse), classes, options, Execution{});
    ASSERT_TRUE(dense.ok() && sparse.ok());
    EXPECT_TRUE(Bytes(*dense->predictor) == Bytes(*sparse->predictor)) << classes;
    for (std::size_t t = 0; t < rows.dense.size(); ++t) {
      const auto predict = [&](const std::vector<Tile>& tiles) {
        Tile tile;
        EXPECT_TRUE(TreeSource(kFeatures, tiles).Read(t, tile).ok());
        std::vector<double> out(tile.rows * dense->predictor->outputs());
        dense->predictor->Predict(tile, out);
        return out;
      };
      EXPECT_TRUE(predict(rows.dense) == predict(rows.sparse)) << t;
    }
  }
}

TEST(SparseRows, GiveTheForestOfDenseOnes) { ExpectSameForests(MakeRows(3000, 700), 5); }

// Beyond this number the bins come from a sample, and from the extremes of all rows.
TEST(SparseRows, GiveItFromASampleOfTheRows) {
  ExpectSameForests(MakeRows(kBinSampleRows + 20'000, 110'000), 1);
}

#if !defined(DML_SANITIZED)  // they take memory of their own
// 300,000 features of 4,096 rows would be ten gigabytes if the tile was spread out as a whole.
TEST(SparseRows, ArePredictedInLittleMemory) {
  constexpr std::size_t kWide = 300'000;
  constexpr std::size_t kRows = 4096;
  const auto rows_of = [](std::size_t count) {
    Tile tile;
    tile.rows = count;
    tile.features = kWide;
    for (std::size_t row = 0; row < count; ++row) {
      tile.offsets.push_back(static_cast<std::int64_t>(tile.values.size()));
      tile.y.push_back(static_cast<double>(row % 2));
      if (row % 2 == 0) continue;
      tile.indices.push_back(static_cast<std::int32_t>(kWide - 1));
      tile.values.push_back(1.0);
    }
    tile.offsets.push_back(static_cast<std::int64_t>(tile.values.size()));
    return tile;
  };
  const auto fit = FitDecisionTree(TreeSource(kWide, {rows_of(4)}), 0, {}, Execution{});
  ASSERT_TRUE(fit.ok());
  const Tile many = rows_of(kRows);
  const pid_t child = ::fork();
  if (child == 0) {
    steps::LimitMemory(std::int64_t{256} << 20);
    std::vector<double> out(kRows);
    fit->predictor->Predict(many, out);
    ::_exit(out == many.y ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}
#endif

}  // namespace
}  // namespace dml::learn

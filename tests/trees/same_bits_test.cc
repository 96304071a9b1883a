// A model is a function of the rows, the options and the seed: not of threads, ranks or tiles.

#include <gtest/gtest.h>

#include <limits>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/random.h"
#include "plugins/learn/thread_communicator.h"
#include "plugins/learn/tree/tree_fit.h"
#include "plugins/learn/tree/tree_grower.h"
#include "tests/trees/tree_source.h"

namespace dml::learn {
namespace {

constexpr std::size_t kFeatures = 5;
constexpr std::size_t kRows = 2000;

TreeSource Source(std::size_t classes, bool weighted, std::size_t tile_rows) {
  const Philox random(3, "test");
  std::vector<double> x;
  std::vector<double> y;
  std::vector<double> weight;
  for (std::size_t i = 0; i < kRows; ++i) {
    for (std::size_t f = 0; f < kFeatures; ++f) {
      const double value = random.Normal(i, f);
      x.push_back(f == 1 && value > 1 ? std::numeric_limits<double>::quiet_NaN() : value);
    }
    const double target = x[i * kFeatures] + 0.3 * random.Normal(i, 100);
    y.push_back(classes == 0 ? target : target > 0.5 ? 2 : target > -0.5 ? 1 : 0);
    if (weighted) weight.push_back(random.Uniform(i, 200));
  }
  return {kFeatures, x, y, weight, tile_rows};
}

TEST(SameBits, ForestsForEveryThreadAndTileCount) {
  for (const std::size_t classes : {std::size_t{0}, std::size_t{3}}) {
    for (const bool weighted : {false, true}) {
      ForestOptions options;
      options.n_estimators = 9;
      options.oob_score = true;
      options.tree.max_bins = 40;
      std::string model;
      std::string certificate;
      for (const int threads : {1, 2, 3, 7}) {
        for (const std::size_t tile_rows : {kRows, std::size_t{311}, std::size_t{64}}) {
          Execution execution;
          execution.threads = threads;
          const auto fit =
              FitRandomForest(Source(classes, weighted, tile_rows), classes, options, execution);
          ASSERT_TRUE(fit.ok()) << fit.error().Render();
          if (model.empty()) model = Bytes(*fit->predictor);
          if (certificate.empty()) certificate = fit->certificate.ToJson().dump();
          EXPECT_TRUE(model == Bytes(*fit->predictor)) << threads << " threads, " << tile_rows;
          EXPECT_EQ(certificate, fit->certificate.ToJson().dump());
        }
      }
    }
  }
}

TEST(SameBits, PrunedAndWeighedForestsForEveryThreadCount) {
  for (const std::size_t classes : {std::size_t{0}, std::size_t{3}}) {
    ForestOptions options;
    options.n_estimators = 9;
    options.oob_score = true;
    options.max_samples = MaxSamples{MaxSamples::Kind::kShare, 0.4};
    options.tree.ccp_alpha = 0.002;
    if (classes > 0) options.tree.class_weight = ClassWeighting::kBalancedSubsample;
    std::string expected;
    for (const int threads : {1, 2, 3, 7}) {
      Execution execution;
      execution.threads = threads;
      const auto fit = FitRandomForest(Source(classes, true, 311), classes, options, execution);
      ASSERT_TRUE(fit.ok()) << fit.error().Render();
      const std::string found = Bytes(*fit->predictor) + fit->certificate.ToJson().dump();
      if (expected.empty()) expected = found;
      EXPECT_TRUE(found == expected) << threads << " threads";
    }
  }
}

// Tiles without rows, of one row and of one class, shared out among ranks.
TreeSource OddTiles() {
  const Philox random(9, "odd tiles");
  std::vector<Tile> tiles;
  std::uint64_t row = 0;
  for (const std::size_t rows : {0U, 1U, 130U, 0U, 77U, 1U, 200U, 0U}) {
    Tile tile;
    tile.rows = rows;
    for (std::size_t r = 0; r < rows; ++r, ++row) {
      for (std::uint64_t f = 0; f < kFeatures; ++f) {
        const double value = random.Normal(row, f);
        tile.x.push_back(f == 1 && value > 1 ? std::numeric_limits<double>::quiet_NaN() : value);
      }
      const double target = tile.x[r * kFeatures] + 0.3 * random.Normal(row, 100);
      tile.y.push_back(rows == 77 || target > 0.0 ? 1.0 : 0.0);
      tile.weight.push_back(random.Uniform(row, 200));
    }
    tiles.push_back(std::move(tile));
  }
  return {kFeatures, std::move(tiles)};
}

TEST(SameBits, TreesForEveryThreadAndRankCount) {
  const TreeSource source = OddTiles();
  ForestOptions options;
  options.n_estimators = 7;
  options.oob_score = true;
  for (const bool forest : {false, true}) {
    const auto fit = [&](int threads, Communicator* communicator) {
      Execution execution;
      execution.threads = threads;
      execution.communicator = communicator;
      const auto result = forest ? FitRandomForest(source, 2, options, execution)
                                 : FitDecisionTree(source, 2, options.tree, execution);
      return result.ok() ? Bytes(*result->predictor) + result->certificate.ToJson().dump()
                         : result.error().Render();
    };
    const std::string expected = fit(1, nullptr);
    for (const int threads : {1, 2, 3, 7}) {
      for (const int ranks : {1, 2, 3, 7}) {
        ThreadGroup group(ranks);
        std::vector<std::string> found(static_cast<std::size_t>(ranks));
        {
          std::vector<std::jthread> workers;
          for (int rank = 0; rank < ranks; ++rank) {
            workers.emplace_back([&, rank] {
              const auto communicator = group.MakeRank(rank);
              found[static_cast<std::size_t>(rank)] = fit(threads, communicator.get());
            });
          }
        }
        for (const std::string& bytes : found) {
          EXPECT_TRUE(bytes == expected) << ranks << " ranks of " << threads << " threads";
        }
      }
    }
  }
}

// Counting a node and subtracting its sibling from its parent are the same integers.
TEST(SameBits, WithAndWithoutHistogramsOfTheParents) {
  for (const std::size_t classes : {std::size_t{0}, std::size_t{3}}) {
    for (const std::optional<int> leaves : {std::optional<int>(), std::optional<int>(40)}) {
      const auto data = BinData(Source(classes, true, kRows), classes, 60, Execution{});
      ASSERT_TRUE(data.ok());
      TreeOptions options;
      options.max_leaf_nodes = leaves;
      // Two nodes' worth: some have cells, others find the memory spent.
      for (const std::size_t bytes : {kHistogramBytes, std::size_t{3} * 61 * 4 * 5 * 8}) {
        const GrownTree with = GrowTree(*data, options, kFeatures, {}, 0, {}, bytes);
        const GrownTree without = GrowTree(*data, options, kFeatures, {}, 0, {}, 0);
        EXPECT_EQ(with.leaf_values, without.leaf_values);
        EXPECT_EQ(with.split_code, without.split_code);
        EXPECT_EQ(with.importances, without.importances);
        ASSERT_EQ(with.nodes.size(), without.nodes.size());
        for (std::size_t i = 0; i < with.nodes.size(); ++i) {
          EXPECT_EQ(with.nodes[i].threshold, without.nodes[i].threshold);
          EXPECT_EQ(with.nodes[i].feature, without.nodes[i].feature);
          EXPECT_EQ(with.nodes[i].child, without.nodes[i].child);
        }
      }
    }
  }
}

TEST(SameBits, AnotherSeedIsAnotherForest) {
  ForestOptions options;
  options.n_estimators = 3;
  const auto a = FitRandomForest(Source(3, false, kRows), 3, options, Execution{});
  options.tree.seed = 1;
  const auto b = FitRandomForest(Source(3, false, kRows), 3, options, Execution{});
  EXPECT_NE(Bytes(*a->predictor), Bytes(*b->predictor));
}

}  // namespace
}  // namespace dml::learn

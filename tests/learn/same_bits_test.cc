// The promise of the house: threads, ranks and the owner of a tile do not change one bit of a
// model.

#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <sstream>
#include <thread>

#include "base/random.h"
#include "plugins/learn/cluster/kmeans.h"
#include "plugins/learn/decomposition/pca.h"
#include "plugins/learn/linear/least_squares.h"
#include "plugins/learn/linear/logistic_regression.h"
#include "plugins/learn/model_file.h"
#include "plugins/learn/thread_communicator.h"
#include "tests/learn/fixture.h"

namespace dml::learn {
namespace {

using Fit = std::function<Result<FitResult>(const DataSource&, const Execution&)>;

// Eleven tiles of 0, 1 and more rows, some with a single class, with weights, dense or sparse.
MatrixSource OddTiles(bool sparse) {
  const std::vector<std::size_t> sizes{0, 1, 130, 0, 0, 77, 1, 200, 0, 64, 0};
  const Philox random(11, "same bits");
  std::vector<Tile> tiles;
  std::uint64_t row = 0;
  for (std::size_t t = 0; t < sizes.size(); ++t) {
    Tile tile;
    tile.rows = sizes[t];
    if (sparse) tile.offsets = {0};
    for (std::size_t r = 0; r < sizes[t]; ++r, ++row) {
      double sum = 0.0;
      for (std::uint64_t j = 0; j < 9; ++j) {
        const double value = random.Normal(row, j) + static_cast<double>(j);
        sum += j % 2 == 0 ? value : -value;
        if (!sparse) tile.x.push_back(value);
        if (!sparse || j % 3 != 0) continue;
        tile.indices.push_back(static_cast<std::int32_t>(j));
        tile.values.push_back(value);
      }
      if (sparse) tile.offsets.push_back(static_cast<std::int64_t>(tile.values.size()));
      tile.y.push_back(t == 5 ? 1.0 : (sum > 4.0 ? 1.0 : 0.0) + (sum > 6.0 ? 1.0 : 0.0));
      tile.weight.push_back(0.5 + random.Uniform(row, 100));
    }
    tiles.push_back(std::move(tile));
  }
  return {std::move(tiles), 9, sparse};
}

std::string ModelBytes(Result<FitResult> fit) {
  if (!fit.ok()) return "failed: " + fit.error().Render();
  static std::atomic<int> next = 0;
  const std::string path = testing::TempDir() + "/same_bits_" + std::to_string(::getpid()) + "_" +
                           std::to_string(next++) + ".safetensors";
  Model model;
  model.predictor = std::move(fit->predictor);
  model.certificate = std::move(fit->certificate);
  if (!WriteModelFile(path, model).ok()) return "not written";
  std::stringstream bytes;
  bytes << std::ifstream(path, std::ios::binary).rdbuf();
  std::remove(path.c_str());
  return bytes.str();
}

struct Case {
  std::string name;
  bool sparse;
  Fit fit;
};

std::vector<Case> Cases() {
  LogisticOptions tight;
  tight.tol = 1e-9;
  std::vector<Case> out;
  for (const bool sparse : {false, true}) {
    const std::string suffix = sparse ? "_sparse" : "";
    out.push_back({"linear" + suffix, sparse, [](const DataSource& s, const Execution& e) {
                     return FitLinearRegression(s, {}, e);
                   }});
    out.push_back({"ridge" + suffix, sparse, [](const DataSource& s, const Execution& e) {
                     return FitRidge(s, {.alpha = 0.1}, e);
                   }});
    out.push_back({"logistic" + suffix, sparse, [tight](const DataSource& s, const Execution& e) {
                     return FitLogistic(s, 3, tight, e);
                   }});
    out.push_back({"kmeans" + suffix, sparse, [](const DataSource& s, const Execution& e) {
                     return FitKMeans(s, {.clusters = 5, .n_init = 2, .seed = 3}, e);
                   }});
    out.push_back(
        {"kmeans_parallel" + suffix, sparse, [](const DataSource& s, const Execution& e) {
           return FitKMeans(
               s, {.clusters = 3, .init = KMeansOptions::Init::kParallel, .n_init = 2, .seed = 3},
               e);
         }});
    out.push_back(
        {"kmeans_random" + suffix, sparse, [](const DataSource& s, const Execution& e) {
           return FitKMeans(
               s, {.clusters = 5, .init = KMeansOptions::Init::kRandom, .n_init = 3, .seed = 3}, e);
         }});
    out.push_back({"logistic_class_weights" + suffix, sparse,
                   [tight](const DataSource& s, const Execution& e) {
                     LogisticOptions given = tight;
                     given.class_weight = LogisticOptions::ClassWeight::kGiven;
                     given.class_weights = {0.3, 1.0, 7.0};
                     return FitLogistic(s, 3, given, e);
                   }});
    out.push_back({"pca" + suffix, sparse, [](const DataSource& s, const Execution& e) {
                     return FitPca(s, {.components = 4}, e);
                   }});
  }
  return out;
}

std::vector<std::string> FitWithRanks(const Case& test, const DataSource& source, int ranks,
                                      int threads) {
  ThreadGroup group(ranks);
  std::vector<std::string> bytes(static_cast<std::size_t>(ranks));
  {
    std::vector<std::jthread> workers;
    for (int rank = 0; rank < ranks; ++rank) {
      workers.emplace_back([&, rank] {
        const auto communicator = group.MakeRank(rank);
        Execution execution;
        execution.threads = threads;
        execution.communicator = communicator.get();
        bytes[static_cast<std::size_t>(rank)] = ModelBytes(test.fit(source, execution));
      });
    }
  }
  return bytes;
}

TEST(SameBits, ForAnyNumberOfThreadsAndRanks) {
  for (const Case& test : Cases()) {
    const MatrixSource source = OddTiles(test.sparse);
    const std::string expected = ModelBytes(test.fit(source, {}));
    ASSERT_FALSE(expected.starts_with("failed")) << test.name << ": " << expected;
    for (const int threads : {1, 2, 3, 7}) {
      Execution execution;
      execution.threads = threads;
      EXPECT_TRUE(ModelBytes(test.fit(source, execution)) == expected)
          << test.name << ", " << threads << " threads";
      for (const int ranks : {2, 3, 7}) {
        for (const std::string& bytes : FitWithRanks(test, source, ranks, threads)) {
          EXPECT_TRUE(bytes == expected)
              << test.name << ", " << ranks << " ranks of " << threads << " threads";
        }
      }
    }
  }
}

// So many rows that the fit starts on a sample of them.
TEST(SameBits, ForALogisticRegressionThatStartsOnASample) {
  MatrixSource::Dense matrix{.features = 2, .x = {}, .y = {}, .weight = {}};
  const Philox random(5, "sampled");
  for (std::uint64_t r = 0; r < 170'000; ++r) {
    matrix.x.push_back(random.Normal(r, 0));
    matrix.x.push_back(random.Normal(r, 1));
    matrix.y.push_back(matrix.x[2 * r] + random.Normal(r, 2) > 0.0 ? 1.0 : 0.0);
  }
  const MatrixSource source(matrix);
  const Case test{"sampled", false,
                  [](const DataSource& s, const Execution& e) { return FitLogistic(s, 2, {}, e); }};
  const std::string expected = ModelBytes(test.fit(source, {}));
  ASSERT_NE(expected.find("started_on_rows"), std::string::npos);
  for (const int ranks : {1, 3, 7}) {
    for (const std::string& bytes : FitWithRanks(test, source, ranks, ranks == 1 ? 7 : 2)) {
      EXPECT_TRUE(bytes == expected) << ranks << " ranks";
    }
  }
}

// So many features that rows are what is solved for, in tiles of 0, 1 and more rows.
TEST(SameBits, ForFewRowsOfManyFeatures) {
  constexpr std::size_t kFeatures = 5000;
  const Philox random(23, "wide");
  for (const bool sparse : {false, true}) {
    std::vector<Tile> tiles;
    std::uint64_t row = 0;
    for (const std::size_t rows : {0U, 1U, 13U, 0U, 7U, 1U, 9U}) {
      Tile tile;
      tile.rows = rows;
      if (sparse) tile.offsets = {0};
      for (std::size_t r = 0; r < rows; ++r, ++row) {
        for (std::uint64_t j = 0; j < kFeatures; j += sparse ? 3 : 1) {
          (sparse ? tile.values : tile.x).push_back(random.Normal(row, j));
          if (sparse) tile.indices.push_back(static_cast<std::int32_t>(j));
        }
        if (sparse) tile.offsets.push_back(static_cast<std::int64_t>(tile.values.size()));
        tile.y.push_back(random.Normal(row, kFeatures));
        tile.weight.push_back(row == 4 ? 0.0 : random.Uniform(row, kFeatures + 1));
      }
      tiles.push_back(std::move(tile));
    }
    const MatrixSource source(std::move(tiles), kFeatures, sparse);
    const std::vector<Case> cases{
        {"ridge", sparse,
         [](const DataSource& s, const Execution& e) { return FitRidge(s, {.alpha = 0.1}, e); }},
        {"linear", sparse,
         [](const DataSource& s, const Execution& e) { return FitLinearRegression(s, {}, e); }},
        {"pca", sparse,
         [](const DataSource& s, const Execution& e) { return FitPca(s, {.components = 4}, e); }}};
    for (const Case& test : cases) {
      const std::string expected = ModelBytes(test.fit(source, {}));
      ASSERT_FALSE(expected.starts_with("failed")) << test.name << ": " << expected;
      for (const int ranks : {1, 2, 3, 7}) {
        for (const int threads : {1, 2, 3, 7}) {
          for (const std::string& bytes : FitWithRanks(test, source, ranks, threads)) {
            EXPECT_TRUE(bytes == expected)
                << test.name << ", " << ranks << " ranks of " << threads << " threads";
          }
        }
      }
    }
  }
}

TEST(SameBits, AFailureOfOneRankReachesAll) {
  MatrixSource::Dense matrix{.features = 1, .x = {1, 2, 3, 4}, .y = {1, 2, 3, 4}, .weight = {}};
  matrix.x[3] = std::nan("");
  const MatrixSource source(matrix, 1);
  const Case test{"ridge", false,
                  [](const DataSource& s, const Execution& e) { return FitRidge(s, {}, e); }};
  for (const std::string& bytes : FitWithRanks(test, source, 3, 1)) {
    EXPECT_NE(bytes.find("row 3, feature 0"), std::string::npos) << bytes;
  }
}

TEST(SameBits, ACancelledFitSaysSo) {
  std::stop_source stop;
  stop.request_stop();
  Execution execution;
  execution.stop = stop.get_token();
  const Result<FitResult> fit = FitRidge(OddTiles(false), {}, execution);
  ASSERT_FALSE(fit.ok());
  EXPECT_EQ(fit.error().kind, ErrorKind::kCancelled);
}

}  // namespace
}  // namespace dml::learn

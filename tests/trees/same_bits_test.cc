// A model is a function of the rows, the options and the seed: not of threads or tiles.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/random.h"
#include "plugins/learn/tree/tree_fit.h"
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

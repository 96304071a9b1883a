// What trees and forests do, on cases small enough for a head.

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

#include "base/random.h"
#include "base/tensor_file.h"
#include "plugins/learn/tree/feature_bins.h"
#include "plugins/learn/tree/tree_fit.h"
#include "plugins/learn/tree/tree_grower.h"
#include "plugins/learn/tree/tree_predictor.h"
#include "tests/trees/tree_source.h"

namespace dml::learn {
namespace {

using Numbers = std::vector<double>;
constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();

FitResult Tree(const TreeSource& source, std::size_t classes, const TreeOptions& options = {}) {
  auto fit = FitDecisionTree(source, classes, options, Execution{});
  EXPECT_TRUE(fit.ok());
  return std::move(fit).value();
}

TEST(Tree, SplitsHalfwayBetweenTheNeighboursOfTheNode) {
  const FitResult fit = Tree({1, {1, 2, 10, 20}, {0, 0, 1, 1}}, 2);
  EXPECT_EQ(PredictAll(*fit.predictor, 1, {6.0}), (Numbers{1, 0}));
  EXPECT_EQ(PredictAll(*fit.predictor, 1, {6.0001}), (Numbers{0, 1}));
}

TEST(Tree, SolvesXorThoughTheFirstSplitGainsNothing) {
  const Numbers x{0, 0, 0, 1, 1, 0, 1, 1};
  const FitResult fit = Tree({2, x, {0, 1, 1, 0}}, 2);
  EXPECT_EQ(PredictAll(*fit.predictor, 2, x), (Numbers{1, 0, 0, 1, 0, 1, 1, 0}));
}

TEST(Tree, SendsMissingValuesToTheSideThatGains) {
  const Numbers x{1, 2, kMissing, 8, 9, kMissing};
  const FitResult right = Tree({1, x, {0, 0, 1, 1, 1, 1}}, 2);
  EXPECT_EQ(PredictAll(*right.predictor, 1, {kMissing}), (Numbers{0, 1}));
  const FitResult left = Tree({1, x, {0, 0, 0, 1, 1, 0}}, 2);
  EXPECT_EQ(PredictAll(*left.predictor, 1, {kMissing}), (Numbers{1, 0}));
  // Being missing is itself the signal.
  const FitResult alone = Tree({1, x, {0, 0, 1, 0, 0, 1}}, 2);
  EXPECT_EQ(PredictAll(*alone.predictor, 1, {kMissing, 1e300}), (Numbers{0, 1, 1, 0}));
}

TEST(Tree, WeightsEqualRepetition) {
  const Numbers x{1, 2, 3, 4, 5, 6};
  const Numbers y{1.5, 2, 8, 3, 9, 9.5};
  const Numbers weight{1, 3, 1, 2, 0, 1};
  const Numbers repeated_x{1, 2, 2, 2, 3, 4, 4, 6};
  const Numbers repeated_y{1.5, 2, 2, 2, 8, 3, 3, 9.5};
  TreeOptions options;
  options.max_depth = 2;
  EXPECT_EQ(PredictAll(*Tree({1, x, y, weight}, 0, options).predictor, 1, x),
            PredictAll(*Tree({1, repeated_x, repeated_y}, 0, options).predictor, 1, x));
}

TEST(Tree, HonoursItsLimits) {
  Numbers x;
  Numbers y;
  for (int i = 0; i < 200; ++i) {
    x.push_back(i);
    y.push_back(i * 37 % 101);
  }
  TreeOptions options;
  options.max_depth = 3;
  EXPECT_EQ(Tree({1, x, y}, 0, options).certificate.numbers.at("depth"), 3);
  options = {};
  options.max_leaf_nodes = 11;
  EXPECT_EQ(Tree({1, x, y}, 0, options).certificate.numbers.at("leaves"), 11);
  options = {};
  options.min_samples_leaf = 60;
  EXPECT_LE(Tree({1, x, y}, 0, options).certificate.numbers.at("leaves").get<int>(), 3);
  options = {};
  options.min_samples_split = 201;
  EXPECT_EQ(Tree({1, x, y}, 0, options).certificate.numbers.at("leaves"), 1);
  options = {};
  options.min_impurity_decrease = 1e9;
  EXPECT_EQ(Tree({1, x, y}, 0, options).certificate.numbers.at("leaves"), 1);
}

TEST(Tree, ClassWeightsShiftTheLeaves) {
  const Numbers x{1, 1, 1, 1};
  TreeOptions options;
  options.class_weight = ClassWeighting::kBalanced;
  EXPECT_EQ(PredictAll(*Tree({1, x, {0, 0, 0, 1}}, 2, options).predictor, 1, {1}),
            (Numbers{0.5, 0.5}));
  options.class_weight = ClassWeighting::kGiven;
  options.class_weights = {1, 9};
  EXPECT_EQ(PredictAll(*Tree({1, x, {0, 0, 0, 1}}, 2, options).predictor, 1, {1}),
            (Numbers{0.25, 0.75}));
}

// Two splits, of which the second gains 1/6 of a squared unit per row and the first 6.
TEST(Tree, IsPrunedWhereALeafCostsMoreThanItGains) {
  const Numbers x{0, 1, 2, 3, 4, 5};
  const Numbers y{0, 0, 1, 5, 5, 6};
  TreeOptions options;
  options.max_leaf_nodes = 4;
  const auto leaves = [&](double alpha) {
    options.ccp_alpha = alpha;
    return Tree({1, x, y}, 0, options).certificate.numbers.at("leaves").get<int>();
  };
  EXPECT_EQ(leaves(0.0), 4);
  EXPECT_EQ(leaves(0.11), 4) << "2/3 of a squared unit in six rows is 0.111";
  EXPECT_EQ(leaves(0.12), 2);
  EXPECT_EQ(leaves(6.2), 2);
  EXPECT_EQ(leaves(6.3), 1);
  const FitResult stump = Tree({1, x, y}, 0, options);
  EXPECT_EQ(PredictAll(*stump.predictor, 1, {0}), (Numbers{17.0 / 6}));
  EXPECT_EQ(stump.certificate.numbers.at("depth"), 0);
  EXPECT_EQ(stump.predictor->FeatureWeights(), (Numbers{0})) << "no split is left to have mattered";
}

TEST(Forest, DrawsAsManyRowsPerTreeAsAsked) {
  Numbers x;
  Numbers y;
  for (int i = 0; i < 1000; ++i) {
    x.push_back(i);
    y.push_back(i * 37 % 101);
  }
  using Kind = MaxSamples::Kind;
  const auto leaves = [&](MaxSamples samples) {
    ForestOptions options;
    options.n_estimators = 1;
    options.max_samples = samples;
    const auto fit = FitRandomForest(TreeSource{1, x, y}, 0, options, Execution{});
    return fit.ok() ? fit->certificate.numbers.at("leaves").get<int>() : -1;
  };
  EXPECT_EQ(leaves({Kind::kCount, 1}), 1);
  EXPECT_LE(leaves({Kind::kCount, 40}), 40);
  EXPECT_EQ(leaves({Kind::kCount, 50}), leaves({Kind::kShare, 0.05}));
  EXPECT_EQ(leaves({Kind::kCount, 1000}), leaves({Kind::kShare, 1.0}));
  EXPECT_GT(leaves({Kind::kShare, 1.0}), 500);
  EXPECT_EQ(leaves({Kind::kCount, 1001}), -1) << "as in scikit-learn";
  EXPECT_EQ(leaves({Kind::kShare, 1.5}), -1);
  EXPECT_EQ((MaxSamples{Kind::kShare, 1e-9}.Of(10)), 1U);
  EXPECT_EQ((MaxSamples{Kind::kShare, 0.25}.Of(10)), 2U) << "half to even, as Python rounds";
}

TEST(Bins, FewDistinctValuesAreExactManyAreShared) {
  Numbers few{3, 1, 2, 2, 2, 1};
  const FeatureBins exact = ChooseBins(few, 3);
  EXPECT_TRUE(exact.exact);
  EXPECT_EQ(exact.upper, (Numbers{1.5, 2.5}));
  Numbers many;
  for (int i = 0; i < 1000; ++i) many.push_back(i < 500 ? 0 : i);
  const FeatureBins shared = ChooseBins(many, 6, 1);
  EXPECT_FALSE(shared.exact);
  ASSERT_EQ(shared.count(), 6U);
  // The value that half of the rows have takes a bin; the others share the remaining rows.
  EXPECT_EQ(shared.Code(0) >> 8, 0);
  EXPECT_EQ(shared.Code(500) >> 8, 1);
  EXPECT_NEAR(shared.upper[1] - shared.upper[0], 100, 260);
  EXPECT_EQ(shared.Code(999) >> 8, 5);
}

TEST(Bootstrap, DrawsAsManyRowsAsAsked) {
  const auto counts = BootstrapCounts(10'000, 10'000, 5, 0);
  std::size_t drawn = 0;
  std::size_t unseen = 0;
  for (const auto count : counts) {
    drawn += count;
    unseen += count == 0 ? 1U : 0U;
  }
  EXPECT_EQ(drawn, 10'000U);
  EXPECT_NEAR(static_cast<double>(unseen) / 10'000, std::exp(-1.0), 0.02);
  EXPECT_NE(counts, BootstrapCounts(10'000, 10'000, 5, 1));
}

TEST(Forest, OutOfBagScoreForetellsNewRows) {
  const Philox random(1, "test");
  const auto make = [&](std::uint64_t from) {
    Numbers x;
    Numbers y;
    for (std::uint64_t i = from; i < from + 1500; ++i) {
      x.push_back(random.Uniform(i, 0));
      x.push_back(random.Uniform(i, 1));
      y.push_back(x[x.size() - 2] + x.back() + 0.1 * random.Normal(i, 2) > 1 ? 1 : 0);
    }
    return std::pair(x, y);
  };
  const auto [x, y] = make(0);
  const auto [new_x, new_y] = make(5000);
  ForestOptions options;
  options.oob_score = true;
  options.n_estimators = 40;
  const auto fit = FitRandomForest(TreeSource(2, x, y), 2, options, Execution{});
  ASSERT_TRUE(fit.ok());
  const Numbers p = PredictAll(*fit->predictor, 2, new_x);
  double right = 0;
  for (std::size_t i = 0; i < new_y.size(); ++i) right += (p[2 * i + 1] > 0.5) == (new_y[i] == 1);
  EXPECT_NEAR(fit->certificate.numbers.at("oob_score").get<double>(), right / 1500, 0.03);
  EXPECT_GT(right / 1500, 0.8);
}

TEST(Predictor, SurvivesTheFileAndRefusesADamagedOne) {
  const Numbers x{1, 5, kMissing, 4, 3, 2, 8, 1};
  const FitResult fit = Tree({2, x, {0, 1, 2, 1}}, 3);
  Json header;
  std::vector<OwnedTensor> tensors;
  fit.predictor->Save(header, tensors);
  const std::string path = (std::filesystem::path(testing::TempDir()) / "tree.dml").string();
  const auto write = [&] {
    std::vector<TensorBuffer> buffers;
    for (const OwnedTensor& t : tensors) buffers.push_back({t.name, t.type, t.shape, t.data});
    ASSERT_TRUE(WriteTensorFile(path, Json::object(), buffers).ok());
  };
  write();
  {
    const auto file = TensorFile::Open(path);
    ASSERT_TRUE(file.ok());
    const auto loaded = LoadTreePredictor("decision_tree", header, **file);
    ASSERT_TRUE(loaded.ok()) << loaded.error().Render();
    EXPECT_EQ(Bytes(**loaded), Bytes(*fit.predictor));
    EXPECT_EQ(PredictAll(**loaded, 2, x), PredictAll(*fit.predictor, 2, x));
  }
  for (OwnedTensor& tensor : tensors) {
    if (tensor.name == "children") std::fill_n(tensor.data.begin(), 4, std::byte{0});
  }
  write();
  const auto file = TensorFile::Open(path);
  ASSERT_TRUE(file.ok());
  EXPECT_FALSE(LoadTreePredictor("decision_tree", header, **file).ok());
}

}  // namespace
}  // namespace dml::learn

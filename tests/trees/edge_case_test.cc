// Rows that a user will bring sooner or later, and options that make no sense.

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include "plugins/learn/tree/tree_fit.h"
#include "plugins/learn/tree/tree_predictor.h"
#include "tests/trees/tree_source.h"

namespace dml::learn {
namespace {

using Numbers = std::vector<double>;
constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinite = std::numeric_limits<double>::infinity();

std::string ErrorOf(const TreeSource& source, std::size_t classes,
                    const TreeOptions& options = {}) {
  const auto fit = FitDecisionTree(source, classes, options, Execution{});
  return fit.ok() ? "" : fit.error().Render();
}

TEST(EdgeCases, NoRowsIsAnError) {
  EXPECT_NE(ErrorOf({2, {}, {}}, 2).find("no rows"), std::string::npos);
}

TEST(EdgeCases, OneRowIsALeaf) {
  const auto fit = FitDecisionTree(TreeSource(1, {7}, {3.25}), 0, {}, Execution{});
  ASSERT_TRUE(fit.ok());
  EXPECT_EQ(PredictAll(*fit->predictor, 1, {100.0}), Numbers{3.25});
}

TEST(EdgeCases, OneClassIsPredictedAndMentioned) {
  const auto fit = FitRandomForest(TreeSource(1, {1, 2, 3}, {1, 1, 1}), 2, {}, Execution{});
  ASSERT_TRUE(fit.ok());
  EXPECT_EQ(PredictAll(*fit->predictor, 1, {2.0}), (Numbers{0.0, 1.0}));
  ASSERT_EQ(fit->certificate.warnings.size(), 1U);
}

TEST(EdgeCases, ConstantAndMissingFeaturesAreNeverSplit) {
  const Numbers x{5, kMissing, 1, 5, kMissing, 2, 5, kMissing, 3, 5, kMissing, 4};
  const auto fit = FitDecisionTree(TreeSource(3, x, {0, 0, 1, 1}), 2, {}, Execution{});
  ASSERT_TRUE(fit.ok());
  EXPECT_EQ(fit->predictor->FeatureWeights(), (Numbers{0, 0, 1}));
  EXPECT_NE(fit->certificate.warnings.at(0).find("x1"), std::string::npos);
  // A forest that may look at one feature a node still finds the only one that varies.
  ForestOptions options;
  options.n_estimators = 1;
  options.bootstrap = false;
  options.tree.max_features = MaxFeatures{MaxFeatures::Kind::kCount, 1};
  const auto forest = FitRandomForest(TreeSource(3, x, {0, 0, 1, 1}), 2, options, Execution{});
  EXPECT_EQ(forest->predictor->FeatureWeights(), (Numbers{0, 0, 1}));
}

// As scikit-learn counts them: rounded down, and never none.
TEST(EdgeCases, MaxFeaturesCountsAsScikitLearnDoes) {
  const auto count = [](const char* text, std::size_t features) {
    const auto parsed = MaxFeatures::Parse(text);
    return parsed.ok() ? std::to_string(parsed->Of(features)) : parsed.error().message;
  };
  EXPECT_EQ(count("sqrt", 10), "3");
  EXPECT_EQ(count("sqrt", 1), "1");
  EXPECT_EQ(count("log2", 10), "3");
  EXPECT_EQ(count("log2", 1), "1");
  EXPECT_EQ(count("all", 10), "10");
  EXPECT_EQ(count("0.5", 5), "2");
  EXPECT_EQ(count("0.3", 10), "3");
  EXPECT_EQ(count("0.01", 10), "1");
  EXPECT_EQ(count("1", 10), "1");
  EXPECT_EQ(count("1.0", 10), "10");
  for (const char* wrong : {"0", "-1", "1.5", "half", ""}) {
    EXPECT_FALSE(MaxFeatures::Parse(wrong).ok()) << wrong;
  }
}

TEST(EdgeCases, AllMissingIsALeaf) {
  const auto fit = FitDecisionTree(TreeSource(1, {kMissing, kMissing}, {0, 1}), 2, {}, Execution{});
  ASSERT_TRUE(fit.ok());
  EXPECT_EQ(PredictAll(*fit->predictor, 1, {1.0}), (Numbers{0.5, 0.5}));
}

TEST(EdgeCases, ExtremeValuesKeepTheirOrder) {
  const Numbers x{-1.7e308, -5e-324, 0.0, 5e-324, 1.7e308};
  const Numbers y{0, 1, 2, 3, 4};
  const auto fit = FitDecisionTree(TreeSource(1, x, y), 0, {}, Execution{});
  ASSERT_TRUE(fit.ok());
  EXPECT_EQ(PredictAll(*fit->predictor, 1, x), y);
}

TEST(EdgeCases, LargeOffsetsOfTheTargetLoseNothing) {
  const Numbers y{1e12 + 1, 1e12 + 2, 1e12 + 3, 1e12 + 4};
  const auto fit = FitDecisionTree(TreeSource(1, {1, 2, 3, 4}, y), 0, {}, Execution{});
  EXPECT_EQ(PredictAll(*fit->predictor, 1, {1, 2, 3, 4}), y);
}

// Targets are summed as integers, in units that fit the largest of them.
TEST(EdgeCases, ATargetWithoutWeightCostsTheOthersNoDigits) {
  const Numbers x{1, 2, 3, 4, 5};
  const Numbers y{0.25, 0.5, 0.75, 1.0, 1e300};
  const auto fit = FitDecisionTree(TreeSource(1, x, y, {1, 1, 1, 1, 0}), 0, {}, Execution{});
  ASSERT_TRUE(fit.ok());
  EXPECT_EQ(PredictAll(*fit->predictor, 1, {1, 2, 3, 4}), (Numbers{0.25, 0.5, 0.75, 1.0}));
  const auto same =
      FitDecisionTree(TreeSource(1, x, {2, 2, 2, 2, 7}, {1, 1, 1, 1, 0}), 0, {}, Execution{});
  ASSERT_EQ(same->certificate.warnings.size(), 1U);
  EXPECT_NE(same->certificate.warnings[0].find("the same in every row"), std::string::npos);
}

// A tree that drew none but these would predict no number, and so would the forest.
TEST(EdgeCases, AForestDrawsNoRowsWithoutWeight) {
  Numbers x;
  Numbers y;
  Numbers weight;
  for (int row = 0; row < 100; ++row) {
    x.push_back(row);
    y.push_back(row % 2);
    weight.push_back(row < 3 ? 1 : 0);
  }
  ForestOptions options;
  options.n_estimators = 20;
  options.max_samples = MaxSamples{MaxSamples::Kind::kCount, 2};
  options.oob_score = true;
  const auto fit = FitRandomForest(TreeSource(1, x, y, weight), 0, options, Execution{});
  ASSERT_TRUE(fit.ok());
  for (const double value : PredictAll(*fit->predictor, 1, {0, 1, 2})) {
    EXPECT_TRUE(value >= 0 && value <= 1) << value;
  }
  const auto classes = FitRandomForest(TreeSource(1, x, y, weight), 2, options, Execution{});
  ASSERT_TRUE(classes.ok());
  const Numbers shares = PredictAll(*classes->predictor, 1, {1});
  EXPECT_DOUBLE_EQ(shares[0] + shares[1], 1.0);
}

TEST(EdgeCases, BadRowsAreNamed) {
  EXPECT_NE(ErrorOf({1, {1, kInfinite}, {0, 1}}, 2).find("row 2"), std::string::npos);
  EXPECT_NE(ErrorOf({1, {1, 2}, {0, 2}}, 2).find("row 2"), std::string::npos);
  EXPECT_NE(ErrorOf({1, {1, 2}, {0, kMissing}}, 0).find("row 2"), std::string::npos);
  EXPECT_NE(ErrorOf({1, {1, 2}, {0, 1}, {1, -1}}, 2).find("row 2"), std::string::npos);
  EXPECT_NE(ErrorOf({1, {1, 2}, {0, 1}, {0, 0}}, 2).find("positive weight"), std::string::npos);
  EXPECT_NE(ErrorOf({1, {1, 2}, {-1.7e308, 1.7e308}}, 0).find("target"), std::string::npos);
}

TEST(EdgeCases, BadOptionsAreNamed) {
  const TreeSource source(1, {1, 2}, {0, 1});
  TreeOptions options;
  options.max_bins = 256;
  EXPECT_NE(ErrorOf(source, 2, options).find("max_bins"), std::string::npos);
  options = {};
  options.max_depth = 0;
  EXPECT_NE(ErrorOf(source, 2, options).find("max_depth"), std::string::npos);
  options = {};
  options.criterion = SplitCriterion::kGini;
  EXPECT_NE(ErrorOf(source, 0, options).find("squared_error"), std::string::npos);
  EXPECT_FALSE(MaxFeatures::Parse("sqr").ok());
  EXPECT_FALSE(MaxFeatures::Parse("0").ok());
  EXPECT_EQ(MaxFeatures::Parse("0.5")->Of(9), 4U);
  EXPECT_EQ(MaxFeatures::Parse("1.0")->Of(9), 9U);
  EXPECT_EQ(MaxFeatures::Parse("1")->Of(9), 1U);
  EXPECT_EQ(MaxFeatures::Parse("sqrt")->Of(28), 5U);
}

TEST(EdgeCases, AStopIsHeeded) {
  std::stop_source stop;
  stop.request_stop();
  Execution execution;
  execution.stop = stop.get_token();
  const auto fit = FitDecisionTree(TreeSource(1, {1, 2}, {0, 1}), 2, {}, execution);
  ASSERT_FALSE(fit.ok());
  EXPECT_EQ(fit.error().kind, ErrorKind::kCancelled);
}

}  // namespace
}  // namespace dml::learn

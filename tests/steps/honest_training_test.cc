#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "plugins/learn/model_file.h"
#include "tests/steps/step_lab.h"

// What a train step must neither take for numbers nor leave unsaid.

namespace dml::steps {
namespace {

class HonestTraining : public StepLab {
 protected:
  std::string FailureOf(const std::string& step, const Json& params, const std::string& csv) {
    const StepRun run = Run(step, params, {{"data", Csv(csv)}});
    EXPECT_EQ(run.ok() ? ErrorKind::kTask : run.result.error().kind, ErrorKind::kInvalid) << step;
    return run.Failure();
  }
  std::string WarningsOf(const std::string& step, const Json& params, const std::string& csv) {
    const StepRun run = Run(step, params, {{"data", Csv(csv)}});
    EXPECT_TRUE(run.ok()) << run.Failure();
    std::string all;
    for (const std::string& warning : run.warnings) all += warning + "\n";
    return all;
  }
};

bool Says(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST_F(HonestTraining, TimesAreNoFeatures) {
  const std::string csv =
      "when,x,y\n2020-01-01,1,2\n2020-01-02,2,3\n2020-01-03,0,5\n2020-01-05,4,4\n";
  for (const char* step : {"train.ridge", "train.random_forest"}) {
    const std::string failure = FailureOf(step, {{"target", "y"}}, csv);
    EXPECT_TRUE(Says(failure, "the column 'when' is a timestamp")) << failure;
    EXPECT_TRUE(Says(failure, "date_parts: {columns: [when]}")) << failure;
    EXPECT_TRUE(Says(failure, "drop: [when]")) << failure;
  }
  const std::string clusters = FailureOf("train.kmeans", {{"n_clusters", 2}}, csv);
  EXPECT_TRUE(Says(clusters, "the column 'when' is a timestamp")) << clusters;
  const Json parts = Json::array({{{"date_parts", {{"columns", {"when"}}}}}});
  const StepRun with_parts =
      Run("train.ridge", {{"target", "y"}, {"preprocess", parts}}, {{"data", Csv(csv)}});
  EXPECT_TRUE(with_parts.ok()) << with_parts.Failure();
}

TEST_F(HonestTraining, ATimeIsNoNumberToPredict) {
  const std::string failure = FailureOf("train.ridge", {{"target", "when"}},
                                        "when,x\n2020-01-01,1\n2020-01-02,2\n2020-01-03,0\n");
  EXPECT_TRUE(Says(failure, "the target 'when' is a timestamp, not a number")) << failure;
}

// The model is a function of the data and of what it learns with, not of how it is judged.
TEST_F(HonestTraining, ValidationDoesNotChangeTheModel) {
  std::string csv = "g,x,y\n";
  for (int i = 0; i < 60; ++i) {
    csv += fmt::format("{},{},{}\n", i / 6, i * 37 % 11, i / 6 * 3 + i * 37 % 11 + i * 53 % 7);
  }
  const auto weights = [&](const Json& params) {
    const StepRun run = Run("train.ridge", params, {{"data", Csv(csv)}});
    EXPECT_TRUE(run.ok()) << run.Failure();
    auto loaded = learn::ReadModelFile(run.outputs.at("model").files.at(0).path);
    EXPECT_TRUE(loaded.ok());
    return std::pair(loaded->model.feature_names, loaded->model.predictor->FeatureWeights());
  };
  const Json grouped = {{"folds", 3}, {"group", "g"}};
  EXPECT_EQ(weights({{"target", "y"}, {"validate", grouped}}), weights({{"target", "y"}}));
  EXPECT_EQ(weights({{"target", "y"}, {"drop", {"g"}}, {"validate", grouped}}).first,
            std::vector<std::string>{"x"});
}

// The sum of two columns, neither of which tells much by itself.
std::string Sums(int rows, double noise) {
  std::string csv = "a,b,c,y\n";
  for (int i = 0; i < rows; ++i) {
    const int a = i * 37 % 101;
    const int b = i * 53 % 97;
    csv += fmt::format("{},{},{},{}\n", a, b, i * 29 % 13, a + b + noise * (i * 31 % 17));
  }
  return csv;
}

TEST_F(HonestTraining, APerfectFitIsSaidWithItsColumns) {
  const Json validated = {{"target", "y"}, {"validate", {{"folds", 3}}}};
  for (const char* step : {"train.linear_regression", "train.ridge"}) {
    const std::string folds = WarningsOf(step, validated, Sums(300, 0));
    EXPECT_TRUE(Says(folds, "Cross-validation is perfect")) << folds;
    EXPECT_TRUE(Says(folds, "Most of it comes from 'a' and 'b', which may know")) << folds;
    const std::string alone = WarningsOf(step, {{"target", "y"}}, Sums(300, 0));
    EXPECT_TRUE(Says(alone, "The fit is perfect")) << alone;
    EXPECT_TRUE(Says(alone, "'a' and 'b'")) << alone;
    EXPECT_EQ(WarningsOf(step, validated, Sums(300, 0.2)), "");
  }
}

TEST_F(HonestTraining, ClassesThatAreNeverMistakenAreSaid) {
  std::string csv = "x,code,y\n";
  for (int i = 0; i < 200; ++i) {
    const int code = i * 37 % 3;
    csv += fmt::format("{},{},{}\n", i * 53 % 97, code, code == 1 ? "middle" : "end");
  }
  const std::string warnings =
      WarningsOf("train.decision_tree", {{"target", "y"}, {"validate", {{"folds", 4}}}}, csv);
  EXPECT_TRUE(Says(warnings, "Cross-validation is perfect")) << warnings;
  EXPECT_TRUE(Says(warnings, "comes from 'code', which may know the answer")) << warnings;
}

TEST_F(HonestTraining, AnInfiniteTargetIsNoClass) {
  for (const char* step : {"train.logistic_regression", "train.random_forest"}) {
    const std::string failure = FailureOf(step, {{"target", "y"}}, "x,y\n1,0\n2,1\n3,inf\n4,0\n");
    EXPECT_TRUE(Says(failure, "the target 'y' is infinite in row 3")) << failure;
  }
}

TEST_F(HonestTraining, ZeroHasOneClassWhateverItsSign) {
  const StepRun run = Run("train.logistic_regression", {{"target", "y"}},
                          {{"data", Csv("x,y\n1,0.0\n2,1.0\n3,-0.0\n4,1.0\n5,-0.0\n")}});
  ASSERT_TRUE(run.ok()) << run.Failure();
  auto loaded = learn::ReadModelFile(run.outputs.at("model").files.at(0).path);
  ASSERT_TRUE(loaded.ok());
  EXPECT_EQ(loaded->model.classes, (std::vector<std::string>{"0", "1"}));
  const StepRun only_zero = Run("train.logistic_regression", {{"target", "y"}},
                                {{"data", Csv("x,y\n1,0.0\n2,-0.0\n3,-0.0\n")}});
  EXPECT_TRUE(Says(only_zero.Failure(), "has 1 class (every row is '0')")) << only_zero.Failure();
  const StepRun split = Run("split.train_test", {{"stratify", "y"}, {"test_size", 0.5}},
                            {{"data", Csv("x,y\n1,0.0\n2,1.0\n3,-0.0\n4,1.0\n")}});
  EXPECT_TRUE(split.ok()) << split.Failure();
}

TEST_F(HonestTraining, NumbersNearZeroAreNumbers) {
  const std::string csv = "x,y\n1,5e-320\n2,1.5\n3,5e-320\n4,1.5\n";
  const std::string failure = FailureOf("train.logistic_regression", {{"target", "y"}}, csv);
  EXPECT_TRUE(Says(failure, "the target 'y' is continuous")) << failure;
  const StepRun filled =
      Run("preprocess.impute", {{"columns", {"a"}}, {"strategy", "most_frequent"}},
          {{"data", Csv("a,b\n5e-320,1\n5e-320,2\n,3\n1,4\n")}});
  ASSERT_TRUE(filled.ok()) << filled.Failure();
  EXPECT_EQ(std::strtod(Rows(filled.outputs.at("data"))[2][0].c_str(), nullptr), 5e-320);
}

TEST_F(HonestTraining, TinyVariancesHaveNoCorrelationOfInfinity) {
  std::string csv = "x,z,y\n";
  for (int i = 0; i < 40; ++i) {
    csv += fmt::format("{}e-170,{},{}e-165\n", i * 7 % 11, i * 5 % 13, i * 3 % 17);
  }
  const std::string warnings = WarningsOf("train.ridge", {{"target", "y"}}, csv);
  EXPECT_FALSE(Says(warnings, "inf")) << warnings;
  EXPECT_FALSE(Says(warnings, "correlation")) << warnings;
}

// Of a table with a hundred copies of its target, nobody reads a hundred sentences.
TEST_F(HonestTraining, OfManyFeaturesThatKnowTheAnswerTheFirstAreNamed) {
  std::string csv = "a,b,c,d,e,f,g,y\n";
  for (int i = 0; i < 40; ++i) {
    csv += fmt::format("{0},{0},{0},{0},{0},{0},{0},{0}\n", i * 7 % 11);
  }
  const std::string warnings = WarningsOf("train.ridge", {{"target", "y"}}, csv);
  EXPECT_TRUE(Says(warnings, "The feature 'e' has a correlation of 1.00000")) << warnings;
  EXPECT_FALSE(Says(warnings, "The feature 'f' has")) << warnings;
  EXPECT_TRUE(Says(warnings, "The same is true of 2 more features.")) << warnings;
}

// A pipeline that fails on some rows only is looked for in those.
TEST_F(HonestTraining, AFailureInAFoldNamesTheFold) {
  std::string csv = "x,c,y\n";
  for (int i = 0; i < 30; ++i) csv += fmt::format("{},{},{}\n", i * 7 % 11, i == 4 ? "b" : "a", i);
  const Json chain =
      Json::array({{{"one_hot", {{"columns", {"c"}}, {"handle_unknown", "error"}}}}});
  const std::string failure = FailureOf(
      "train.ridge", {{"target", "y"}, {"preprocess", chain}, {"validate", {{"folds", 3}}}}, csv);
  EXPECT_TRUE(Says(failure, " of 3: ")) << failure;
  EXPECT_TRUE(Says(failure, "fold ")) << failure;
}

}  // namespace
}  // namespace dml::steps

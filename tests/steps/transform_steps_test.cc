// preprocess.*: transforms as steps, from a table to a table.

#include <gtest/gtest.h>

#include "plugins/steps/register.h"
#include "plugins/steps/transform/catalog.h"
#include "tests/steps/step_lab.h"

namespace dml::steps {
namespace {

using PreprocessSteps = StepLab;
using Cells = std::vector<std::vector<std::string>>;

TEST_F(PreprocessSteps, LearnFromTheirRowsOrFromOthers) {
  const Artifact train = Csv("a,b\n1,x\n3,y\n");
  const Artifact test = Csv("a,b\n5,x\n3,z\n");
  const StepRun alone = Run("preprocess.standardize", {{"columns", {"a"}}}, {{"data", test}});
  ASSERT_TRUE(alone.ok()) << alone.Failure();
  EXPECT_EQ(Rows(alone.outputs.at("data")), (Cells{{"1", "x"}, {"-1", "z"}}));
  const StepRun like_train =
      Run("preprocess.standardize", {{"columns", {"a"}}}, {{"data", test}, {"fit_on", train}});
  ASSERT_TRUE(like_train.ok()) << like_train.Failure();
  EXPECT_EQ(Rows(like_train.outputs.at("data")), (Cells{{"3", "x"}, {"1", "z"}}));
  EXPECT_EQ(like_train.metrics.at("rows"), 2);
  const StepRun unseen =
      Run("preprocess.one_hot", {{"columns", {"b"}}}, {{"data", test}, {"fit_on", train}});
  EXPECT_EQ(unseen.Failure(),
            "row 2 of the column 'b' is 'z', as no training row had | handle_unknown: ignore makes "
            "all its features 0");
}

// Not silently infinite.
TEST_F(PreprocessSteps, ValuesTooLargeToMeasureAreNamed) {
  const auto failure = [&](const char* step, const std::string& text) {
    return Run(step, {{"columns", {"a"}}}, {{"data", Csv(text)}}).Failure();
  };
  EXPECT_NE(failure("preprocess.standardize", "a\n1e200\n-1e200\n").find("squares of 'a'"),
            std::string::npos);
  EXPECT_NE(failure("preprocess.min_max", "a\n1.7e308\n-1.7e308\n").find("mean and range of 'a'"),
            std::string::npos);
  EXPECT_EQ(failure("preprocess.min_max", "a\n1e200\n-1e200\n"), "");
}

TEST_F(PreprocessSteps, MakeColumnsToRead) {
  const Artifact data = Csv("a,b\n1,x\n3,y\n");
  const StepRun dense = Run("preprocess.one_hot", {{"columns", {"b"}}}, {{"data", data}});
  ASSERT_TRUE(dense.ok()) << dense.Failure();
  EXPECT_EQ(Rows(dense.outputs.at("data")), (Cells{{"1", "1", "0"}, {"3", "0", "1"}}));
  const StepRun sparse =
      Run("preprocess.one_hot", {{"columns", {"b"}}, {"sparse_output", true}}, {{"data", data}});
  ASSERT_TRUE(sparse.ok()) << sparse.Failure();
  EXPECT_EQ(Rows(sparse.outputs.at("data")), (Cells{{"1", "0:1"}, {"3", "1:1"}}));
}

TEST_F(PreprocessSteps, GiveTheSameBytesForAnyNumberOfThreads) {
  std::string text = "a,b,c\n";
  for (int row = 0; row < 20'000; ++row) {
    text += std::to_string(row * 7919 % 1000 / 8.0) + "," + (row % 11 == 0 ? "" : "v") +
            std::to_string(row % 7) + ",some words " + std::to_string(row % 311) + "\n";
  }
  const Artifact data = Csv(text, 900);
  const std::vector<std::pair<std::string, Json>> steps = {
      {"preprocess.robust", {{"columns", {"a"}}}},
      {"preprocess.one_hot", {{"columns", {"b"}}}},
      {"preprocess.tfidf", {{"columns", {"c"}}}}};
  for (const auto& [uses, params] : steps) {
    const StepRun one = Run(uses, params, {{"data", data}}, 1);
    ASSERT_TRUE(one.ok()) << one.Failure();
    for (const int threads : {2, 3, 7}) {
      const StepRun many = Run(uses, params, {{"data", data}}, threads);
      ASSERT_TRUE(many.ok()) << many.Failure();
      EXPECT_EQ(Bytes(many.outputs.at("data")), Bytes(one.outputs.at("data"))) << uses;
    }
  }
}

TEST_F(PreprocessSteps, AreLocalToRowsUnlessTheyLearn) {
  plugins::StepRegistry registry;
  RegisterTransformSteps(registry);
  std::string learning;
  for (const TransformType& type : TransformTypes()) {
    if (type.has_own_step) continue;
    const StepSpec* step = registry.catalog().FindStep("preprocess." + type.spec.name);
    ASSERT_NE(step, nullptr);
    EXPECT_EQ(step->row_local, step->inputs.size() == 1) << step->name;
    if (!step->row_local) learning += type.spec.name + " ";
  }
  EXPECT_EQ(learning,
            "impute standardize min_max robust one_hot ordinal bin tfidf count_vectorizer ");
}

// What a changed transform made before must not be taken for what it makes now, in a table or in a
// model.
TEST_F(PreprocessSteps, TheVersionsOfTransformsAreThoseOfTheStepsThatUseThem) {
  plugins::StepRegistry registry;
  RegisterTransformSteps(registry);
  RegisterLinearSteps(registry);
  const StepSpec* normalize = registry.catalog().FindStep("preprocess.normalize");
  const StepSpec* ridge = registry.catalog().FindStep("train.ridge");
  ASSERT_TRUE(normalize != nullptr && ridge != nullptr);
  EXPECT_EQ(normalize->algorithm_version, FindTransformType("normalize")->version);
  EXPECT_GT(normalize->algorithm_version, 1);
  EXPECT_GT(ridge->algorithm_version, TransformChanges());
  EXPECT_GE(TransformChanges(), normalize->algorithm_version - 1);
}

TEST_F(PreprocessSteps, TakeTablesWithoutRowsUnlessTheyLearn) {
  const StepRun empty =
      Run("preprocess.drop_missing", Json::object(), {{"data", Csv("a,b\n1,\n,x\n")}});
  const Artifact none = empty.outputs.at("data");
  const StepRun dropped = Run("preprocess.drop", {{"columns", {"a"}}}, {{"data", none}});
  ASSERT_TRUE(dropped.ok()) << dropped.Failure();
  EXPECT_EQ(Rows(dropped.outputs.at("data")), Cells());
  const StepRun learnt = Run("preprocess.standardize", {{"columns", "all"}}, {{"data", none}});
  EXPECT_EQ(learnt.Failure(), "the table has no rows to learn from | ");
}

TEST_F(PreprocessSteps, DropMissingRows) {
  const Artifact data = Csv("a,b\n1,x\n,y\n3,\n,\n5,z\n", 2);
  const StepRun any = Run("preprocess.drop_missing", Json::object(), {{"data", data}});
  ASSERT_TRUE(any.ok()) << any.Failure();
  EXPECT_EQ(Rows(any.outputs.at("data")), (Cells{{"1", "x"}, {"5", "z"}}));
  EXPECT_EQ(any.metrics.at("dropped"), 3);
  const StepRun all = Run("preprocess.drop_missing", {{"how", "all"}}, {{"data", data}});
  EXPECT_EQ(Rows(all.outputs.at("data")), (Cells{{"1", "x"}, {"", "y"}, {"3", ""}, {"5", "z"}}));
  const StepRun one = Run("preprocess.drop_missing", {{"columns", {"b"}}}, {{"data", data}});
  EXPECT_EQ(Rows(one.outputs.at("data")), (Cells{{"1", "x"}, {"", "y"}, {"5", "z"}}));
  const StepRun unknown = Run("preprocess.drop_missing", {{"columns", {"bb"}}}, {{"data", data}});
  EXPECT_EQ(unknown.Failure(),
            "there is no column 'bb'; did you mean 'b'? | the columns are: a, b");
}

}  // namespace
}  // namespace dml::steps

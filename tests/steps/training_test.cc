#include <fmt/format.h>
#include <gtest/gtest.h>

#include "plugins/learn/model_file.h"
#include "plugins/steps/split/holdout.h"
#include "tests/steps/step_lab.h"

// Train steps: what a model holds, what it says of bad data, and that cross-validation is what it
// claims to be.

namespace dml::steps {
namespace {

struct Example {
  std::string features;  // "x1,x2,color"
  std::string label;
};

// Rows of two numbers, a colour and a class that depends on them.
std::vector<Example> Examples(int rows) {
  std::vector<Example> examples;
  for (int i = 0; i < rows; ++i) {
    const double x1 = (i * 37 % 101) / 50.0 - 1;
    const double x2 = (i * 53 % 97) / 48.0 - 1;
    const bool red = i % 3 == 0;
    const bool flip = i * 7919 % 13 == 0;
    const bool yes = (x1 + x2 + (red ? 0.4 : -0.2) > 0) != flip;
    examples.push_back({fmt::format("{},{},{}", x1, x2, red ? "red" : "blue"), yes ? "yes" : "no"});
  }
  return examples;
}

std::string CsvOf(const std::vector<Example>& examples) {
  std::string csv = "x1,x2,color,y\n";
  for (const Example& example : examples) csv += example.features + "," + example.label + "\n";
  return csv;
}

const Json kChain = Json::array(
    {{{"one_hot", {{"columns", {"color"}}}}}, {{"standardize", {{"columns", {"x1", "x2"}}}}}});

class Training : public StepLab {
 protected:
  // The failure of train.logistic_regression on CSV text.
  std::string FailureOf(const std::string& csv, Json params = {{"target", "y"}}) {
    const StepRun run = Run("train.logistic_regression", params, {{"data", Csv(csv)}});
    EXPECT_EQ(run.result.ok() ? ErrorKind::kTask : run.result.error().kind, ErrorKind::kInvalid);
    EXPECT_TRUE(run.outputs.at("model").files.empty()) << "a model was written all the same";
    return run.Failure();
  }
  static learn::Model ModelOf(const StepRun& run) {
    auto loaded = learn::ReadModelFile(run.outputs.at("model").files.at(0).path);
    EXPECT_TRUE(loaded.ok());
    return std::move(loaded).value().model;
  }
};

TEST_F(Training, AModelIsComplete) {
  const Artifact data = Csv(CsvOf(Examples(200)));
  const StepRun run = Run("train.logistic_regression",
                          {{"target", "y"}, {"C", 0.5}, {"preprocess", kChain}}, {{"data", data}});
  ASSERT_TRUE(run.ok()) << run.Failure();
  const learn::Model model = ModelOf(run);
  EXPECT_EQ(model.target, "y");
  EXPECT_EQ(model.classes, (std::vector<std::string>{"no", "yes"}));
  EXPECT_EQ(model.params["C"], 0.5);
  EXPECT_EQ(model.feature_names, (std::vector<std::string>{"x1", "x2", "color_blue", "color_red"}));
  EXPECT_EQ(model.preprocessing.size(), 2U);
  EXPECT_EQ(run.metrics["rows"], 200);
  EXPECT_EQ(run.metrics["converged"], true);

  // Raw rows are all it needs.
  const Artifact raw = Csv("color,x2,x1\nred,0.9,0.9\nblue,-0.9,-0.9\n");
  const StepRun predicted =
      Run("predict", Json::object(), {{"model", run.outputs.at("model")}, {"data", raw}});
  ASSERT_TRUE(predicted.ok()) << predicted.Failure();
  const auto rows = Rows(predicted.outputs.at("data"));
  EXPECT_EQ(rows[0][3], "yes");
  EXPECT_EQ(rows[1][3], "no");
}

// Every fold again by hand: files of its own, a model of its own, an evaluation of its own.
TEST_F(Training, CrossValidationIsWhatSeparateFitsSay) {
  const std::vector<Example> examples = Examples(230);
  const Json validate = {{"folds", 4}, {"scoring", {"roc_auc", "log_loss"}}, {"seed", 9}};
  const StepRun run = Run("train.logistic_regression",
                          {{"target", "y"}, {"preprocess", kChain}, {"validate", validate}},
                          {{"data", Csv(CsvOf(examples), 50)}});
  ASSERT_TRUE(run.ok()) << run.Failure();

  std::vector<std::uint32_t> classes;
  for (const Example& example : examples) classes.push_back(example.label == "yes" ? 1 : 0);
  const auto folds = AssignFoldsStratified(classes, 4, 9);
  ASSERT_TRUE(folds.ok());
  double roc_auc = 0.0;
  double log_loss = 0.0;
  for (std::uint32_t fold = 0; fold < 4; ++fold) {
    std::vector<Example> train;
    std::vector<Example> test;
    for (std::size_t i = 0; i < examples.size(); ++i) {
      ((*folds)[i] == fold ? test : train).push_back(examples[i]);
    }
    const StepRun fitted =
        Run("train.logistic_regression", {{"target", "y"}, {"preprocess", kChain}},
            {{"data", Csv(CsvOf(train))}});
    ASSERT_TRUE(fitted.ok()) << fitted.Failure();
    const StepRun scored = Run("evaluate.classification", Json::object(),
                               {{"model", fitted.outputs.at("model")}, {"data", Csv(CsvOf(test))}});
    ASSERT_TRUE(scored.ok()) << scored.Failure();
    roc_auc += scored.metrics["roc_auc"].get<double>() / 4;
    log_loss += scored.metrics["log_loss"].get<double>() / 4;
  }
  EXPECT_NEAR(run.metrics["cv"]["roc_auc"].get<double>(), roc_auc, 1e-9);
  EXPECT_NEAR(run.metrics["cv"]["log_loss"].get<double>(), log_loss, 1e-9);
  EXPECT_EQ(ModelOf(run).metrics["cv"], run.metrics["cv"]);
}

TEST_F(Training, SameBytesForAnyThreadsAndPartitions) {
  const std::string csv = CsvOf(Examples(9000));
  const Json params = {{"target", "y"}, {"preprocess", kChain}};
  for (const char* type :
       {"train.logistic_regression", "train.random_forest", "train.decision_tree"}) {
    Json own = params;
    if (std::string(type) == "train.random_forest") own["n_estimators"] = 5;
    std::string first;
    for (const auto& [threads, partitions] :
         std::vector<std::pair<int, std::uint64_t>>{{1, 0}, {2, 0}, {3, 3}, {7, 90}}) {
      const StepRun run = Run(type, own, {{"data", Csv(csv, partitions)}}, threads);
      ASSERT_TRUE(run.ok()) << run.Failure();
      const std::string bytes = Bytes(run.outputs.at("model"));
      if (first.empty()) first = bytes;
      EXPECT_EQ(bytes, first) << type << " with " << threads
                              << " threads, partitions: " << partitions;
    }
  }
}

TEST_F(Training, BadTargetsAreNamed) {
  const std::string unknown = FailureOf("x,y\n1,a\n2,b\n", {{"target", "Y"}});
  EXPECT_NE(unknown.find("'Y'"), std::string::npos) << unknown;
  EXPECT_NE(unknown.find("did you mean 'y'"), std::string::npos) << unknown;
  const std::string constant = FailureOf("x,y\n1,a\n2,a\n");
  EXPECT_NE(constant.find("has 1 class (every row is 'a')"), std::string::npos) << constant;
  const std::string missing = FailureOf("x,y\n1,a\n2,\n3,b\n");
  EXPECT_NE(missing.find("'y' has no value in row 2"), std::string::npos) << missing;
  const std::string continuous = FailureOf("x,y\n1,0.5\n2,1\n3,2\n");
  EXPECT_NE(continuous.find("the target 'y' is continuous: it has values such as 0.5"),
            std::string::npos)
      << continuous;
}

// An id for a target would cost hours and gigabytes.
TEST_F(Training, MoreClassesThanAnyoneWantsAreRefused) {
  const auto csv = [](int classes, const char* label) {
    std::string text = "x1,y\n";
    for (int i = 0; i < 2 * classes; ++i) {
      text += fmt::format("{},{}{}\n", i * 37 % 101, label, i % classes);
    }
    return text;
  };
  for (const char* label : {"c", ""}) {
    const std::string failure =
        "the target 'y' has 1001 classes, and classifiers take at most 1000 | if it is a key, name "
        "another target; if it is a measurement, use a regression; else put rare classes together "
        "in a step before this one";
    EXPECT_EQ(FailureOf(csv(1001, label)), failure);
    for (const char* uses : {"train.decision_tree", "train.random_forest"}) {
      EXPECT_EQ(Run(uses, {{"target", "y"}, {"task", "classification"}},
                    {{"data", Csv(csv(1001, label))}})
                    .Failure(),
                failure);
    }
  }
  const StepRun most = Run("train.decision_tree", {{"target", "y"}, {"max_depth", 2}},
                           {{"data", Csv(csv(1000, "c"))}});
  EXPECT_TRUE(most.ok()) << most.Failure();
}

TEST_F(Training, AClassOfOneRowIsReported) {
  const StepRun one = Run("train.logistic_regression", {{"target", "y"}},
                          {{"data", Csv("x,y\n1,a\n2,b\n3,a\n2,b\n5,c\n")}});
  ASSERT_TRUE(one.ok()) << one.Failure();
  EXPECT_EQ(one.warnings, std::vector<std::string>{"the class 'c' has a single row"});
  const StepRun two = Run("train.logistic_regression", {{"target", "y"}},
                          {{"data", Csv("x,y\n1,a\n2,a\n3,d\n5,c\n")}});
  EXPECT_EQ(two.warnings,
            std::vector<std::string>{"2 classes, 'c' among them, have a single row each"});
}

TEST_F(Training, BadFeaturesAreNamed) {
  const std::string infinite = FailureOf("x,y\n1,a\ninf,b\n3,a\n");
  EXPECT_NE(infinite.find("'x' is infinite in row 2"), std::string::npos) << infinite;
  const std::string missing = FailureOf("x,y\n1,a\n,b\n3,a\n");
  EXPECT_NE(missing.find("'x' has no value in row 2"), std::string::npos) << missing;
  EXPECT_NE(missing.find("impute"), std::string::npos) << missing;
  const std::string text = FailureOf("x,y\nred,a\nblue,b\nred,a\n");
  EXPECT_NE(text.find("one_hot: {columns: [x]}"), std::string::npos) << text;
  const std::string none = FailureOf("y\na\nb\n");
  EXPECT_NE(none.find("no column to learn from"), std::string::npos) << none;
}

// Imputing its median would fail in turn.
TEST_F(Training, AColumnWithoutAnyValueIsNamedAsSuch) {
  for (const std::uint64_t partitions : {1U, 3U}) {
    const Artifact data = Csv("a,b,y\n1,,x\n2,,z\n3,,x\n4,,z\n", partitions);
    const std::string failure =
        Run("train.logistic_regression", {{"target", "y"}}, {{"data", data}}).Failure();
    EXPECT_NE(failure.find("the column 'b' has no value in any row"), std::string::npos) << failure;
    EXPECT_NE(failure.find("drop: [b]"), std::string::npos) << failure;
  }
}

TEST_F(Training, AClassWithFewerRowsThanFoldsIsNamed) {
  const std::string failure = FailureOf("x,y\n1,a\n2,b\n3,a\n4,a\n5,a\n6,a\n",
                                        {{"target", "y"}, {"validate", {{"folds", 3}}}});
  EXPECT_NE(failure.find("the class 'b' has 1 row, fewer than the 3 folds"), std::string::npos)
      << failure;
}

TEST_F(Training, FoldsThatGroupsMakeUnevenAreSaid) {
  std::string csv = "x,g,y\n";
  for (int i = 0; i < 100; ++i) {
    csv += fmt::format("{},{},{}\n", i * 37 % 101, i < 80 ? 0 : i, i * 53 % 97);
  }
  const auto run = [&](const char* group) {
    const Json validate = {{"folds", 4}, {"group", group}};
    return Run("train.ridge", {{"target", "y"}, {"validate", validate}}, {{"data", Csv(csv)}});
  };
  const StepRun uneven = run("g");
  ASSERT_TRUE(uneven.ok()) << uneven.Failure();
  EXPECT_EQ(uneven.warnings,
            std::vector<std::string>{"The folds test on 6 % to 80 % of the rows instead of 25 % "
                                     "each, because rows with the same 'g' stay together."});
  EXPECT_TRUE(run("x").warnings.empty()) << "a hundred groups make even folds";
}

TEST_F(Training, AFeatureThatKnowsTheAnswerIsReported) {
  std::string csv = "x,cheat,y\n";
  for (int i = 0; i < 50; ++i) csv += fmt::format("{},{},{}\n", i * 7 % 11, i * 3 + 1, i);
  const StepRun run = Run("train.ridge", {{"target", "y"}}, {{"data", Csv(csv)}});
  ASSERT_TRUE(run.ok()) << run.Failure();
  ASSERT_EQ(run.warnings.size(), 1U);
  EXPECT_NE(run.warnings[0].find("'cheat'"), std::string::npos) << run.warnings[0];
}

TEST_F(Training, ARowOfWeightTwoIsTwoRows) {
  const StepRun weighted = Run("train.ridge", {{"target", "y"}, {"weight", "w"}},
                               {{"data", Csv("x,w,y\n1,1,2\n2,2,3\n5,1,4\n7,3,9\n")}});
  const StepRun repeated = Run("train.ridge", {{"target", "y"}},
                               {{"data", Csv("x,y\n1,2\n2,3\n2,3\n5,4\n7,9\n7,9\n7,9\n")}});
  ASSERT_TRUE(weighted.ok()) << weighted.Failure();
  ASSERT_TRUE(repeated.ok()) << repeated.Failure();
  const Artifact at = Csv("x\n0\n10\n");
  const auto predict = [&](const StepRun& run) {
    return Rows(
        Run("predict", {}, {{"model", run.outputs.at("model")}, {"data", at}}).outputs.at("data"));
  };
  const auto a = predict(weighted);
  const auto b = predict(repeated);
  for (std::size_t row = 0; row < 2; ++row) {
    EXPECT_NEAR(std::stod(a[row][1]), std::stod(b[row][1]), 1e-9);
  }
}

// However far off they lie, and whatever they are labelled.
TEST_F(Training, RowsOfWeightZeroTeachNothing) {
  std::string present = "x1,x2,y,w\n";
  std::string mixed = present;
  std::string asked = "x1,x2\n";
  for (int i = 0; i < 300; ++i) {
    const std::string features =
        fmt::format("{},{}", (i * 37 % 101) / 50.0 - 1, (i * 53 % 97) / 48.0 - 1);
    const std::string row =
        fmt::format("{},{},{}\n", features, i * 31 % 101 > 60 ? 1 : 0, 1 + i % 2);
    present += row;
    mixed += fmt::format("{},{},{},0\n", 1000 + i, -i, i % 2) + row;
    asked += features + "\n";
  }
  const auto predict = [&](const char* type, const std::string& csv) {
    Json params = {{"weight", "w"}};
    if (std::string(type) == "train.kmeans") {
      params.update({{"drop", {"y"}}, {"n_clusters", 1}});
    } else {
      params["target"] = "y";
    }
    const StepRun run = Run(type, params, {{"data", Csv(csv)}});
    EXPECT_TRUE(run.ok()) << run.Failure();
    const StepRun predicted =
        Run("predict", Json::object(), {{"model", run.outputs.at("model")}, {"data", Csv(asked)}});
    EXPECT_TRUE(predicted.ok()) << predicted.Failure();
    return Rows(predicted.outputs.at("data"));
  };
  for (const char* type :
       {"train.ridge", "train.logistic_regression", "train.decision_tree", "train.kmeans"}) {
    const auto with = predict(type, mixed);
    const auto without = predict(type, present);
    ASSERT_EQ(with.size(), without.size());
    for (std::size_t row = 0; row < with.size(); ++row) {
      EXPECT_NEAR(std::stod(with[row].back()), std::stod(without[row].back()), 1e-6)
          << type << " row " << row;
    }
  }
}

TEST_F(Training, WeightsThatAreAllZeroAreNamed) {
  const Artifact rows = Csv("x,w,y\n1,0,2\n2,0,3\n5,0,4\n", 2);
  for (const char* step : {"train.ridge", "train.linear_regression", "train.random_forest"}) {
    const StepRun run = Run(step, {{"target", "y"}, {"weight", "w"}}, {{"data", rows}});
    EXPECT_NE(run.Failure().find("the weight 'w' is 0 in every row"), std::string::npos)
        << step << ": " << run.Failure();
  }
}

TEST_F(Training, AWeightOfTextIsToldWhatWeightsAre) {
  const StepRun run = Run("train.ridge", {{"target", "y"}, {"weight", "w"}},
                          {{"data", Csv("x,w,y\n1,low,2\n2,high,3\n5,low,4\n")}});
  EXPECT_NE(run.Failure().find("the weight 'w' is category, not a number"), std::string::npos)
      << run.Failure();
  EXPECT_NE(run.Failure().find("weights are finite numbers"), std::string::npos) << run.Failure();
  EXPECT_EQ(run.Failure().find("one_hot"), std::string::npos) << run.Failure();
}

TEST_F(Training, MoreFeaturesThanThereAreAreRefused) {
  const Artifact rows = Csv("a,b,y\n1,0,2\n2,0,3\n5,1,4\n");
  const auto failure = [&](const Json& count) {
    return Run("train.random_forest",
               {{"target", "y"},
                {"task", "regression"},
                {"n_estimators", 2},
                {"max_features", count}},
               {{"data", rows}})
        .Failure();
  };
  EXPECT_NE(failure(3).find("max_features is 3, but there are 2 features"), std::string::npos);
  EXPECT_EQ(failure(2), "");
  EXPECT_EQ(failure(1.0), "");
}

TEST_F(Training, AForestGuessesItsTask) {
  const StepRun classes = Run("train.random_forest", {{"target", "y"}, {"n_estimators", 3}},
                              {{"data", Csv("x,y\n1,0\n2,1\n3,0\n4,1\n")}});
  ASSERT_TRUE(classes.ok()) << classes.Failure();
  EXPECT_EQ(ModelOf(classes).predictor->task(), learn::ModelTask::kClassification);
  const StepRun numbers = Run("train.random_forest", {{"target", "y"}, {"n_estimators", 3}},
                              {{"data", Csv("x,y\n1,0.5\n2,1.5\n3,0.25\n4,1\n")}});
  ASSERT_TRUE(numbers.ok()) << numbers.Failure();
  EXPECT_EQ(ModelOf(numbers).predictor->task(), learn::ModelTask::kRegression);
}

}  // namespace
}  // namespace dml::steps

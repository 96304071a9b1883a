#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/files.h"
#include "tests/steps/step_lab.h"

// select.best, the evaluations and predict.

namespace dml::steps {
namespace {

const Json kDateParts = Json::array({{{"date_parts", {{"columns", {"when"}}}}}});

class Evaluation : public StepLab {
 protected:
  // y = 2 x + 1 with a wobble, cross-validated.
  Artifact Ridge(double alpha) {
    std::string csv = "x,y\n";
    for (int i = 0; i < 40; ++i) csv += fmt::format("{},{}\n", i, 2 * i + 1 + (i * 17 % 5) * 0.3);
    const StepRun run =
        Run("train.ridge",
            {{"target", "y"}, {"alpha", alpha}, {"validate", {{"scoring", {"r2", "rmse"}}}}},
            {{"data", Csv(csv)}});
    EXPECT_TRUE(run.ok()) << run.Failure();
    return run.outputs.at("model");
  }
  Artifact FitRidge(const std::string& csv, const Json& preprocess = Json::array()) {
    const StepRun run =
        Run("train.ridge", {{"target", "y"}, {"preprocess", preprocess}}, {{"data", Csv(csv)}});
    EXPECT_TRUE(run.ok()) << run.Failure();
    return run.outputs.at("model");
  }
  Artifact Classifier() {
    std::string csv = "x,color,y\n";
    for (int i = 0; i < 60; ++i) {
      csv +=
          fmt::format("{},{},{}\n", i % 30, i % 2 == 0 ? "red" : "blue", i % 30 > 14 ? "b" : "a");
    }
    const StepRun run =
        Run("train.random_forest",
            {{"target", "y"},
             {"n_estimators", 5},
             {"preprocess", Json::array({{{"one_hot", {{"columns", {"color"}}}}}})}},
            {{"data", Csv(csv)}});
    EXPECT_TRUE(run.ok()) << run.Failure();
    return run.outputs.at("model");
  }
  StepRun Select(const std::vector<Artifact>& models, const Json& params) {
    Inputs inputs;
    for (const Artifact& model : models) inputs.emplace_back("model", model);
    return Run("select.best", params, inputs);
  }
};

TEST_F(Evaluation, TheBestIsChosenByScoreInEitherDirection) {
  const std::vector<Artifact> models{Ridge(1e5), Ridge(0.1), Ridge(1e4)};
  const StepRun by_r2 = Select(models, {{"metric", "cv.r2"}});
  ASSERT_TRUE(by_r2.ok()) << by_r2.Failure();
  EXPECT_EQ(by_r2.metrics["best"], 2);
  const std::string panels = Bytes(by_r2.outputs.at("report"));
  EXPECT_NE(panels.find("alpha=10000\""), std::string::npos) << "as people write it: " << panels;
  EXPECT_EQ(by_r2.metrics["candidates"], 3);
  EXPECT_EQ(by_r2.metrics["params"], (Json{{"alpha", 0.1}})) << "and nothing that all share";
  EXPECT_EQ(by_r2.metrics["cv"]["r2"], by_r2.metrics["score"]);
  EXPECT_EQ(Bytes(by_r2.outputs.at("model")), Bytes(models[1]));
  const StepRun by_rmse = Select(models, {{"metric", "cv.rmse"}});
  ASSERT_TRUE(by_rmse.ok()) << by_rmse.Failure();
  EXPECT_EQ(by_rmse.metrics["best"], 2) << "less error is better";
  const StepRun worst = Select(models, {{"metric", "cv.r2"}, {"mode", "min"}});
  EXPECT_EQ(worst.metrics["best"], 1);
}

TEST_F(Evaluation, OfEqualsTheFirstIsChosen) {
  const Artifact model = Ridge(1);
  const StepRun run = Select({model, model}, {{"metric", "cv.r2"}});
  ASSERT_TRUE(run.ok()) << run.Failure();
  EXPECT_EQ(run.metrics["best"], 1);
}

TEST_F(Evaluation, AnUnknownMetricIsAnsweredWithANearOne) {
  const StepRun run = Select({Ridge(1)}, {{"metric", "cv.rmsee"}, {"mode", "min"}});
  EXPECT_NE(run.Failure().find("did you mean 'cv.rmse'"), std::string::npos) << run.Failure();
  const StepRun unsure = Select({Ridge(1)}, {{"metric", "condition"}});
  EXPECT_NE(unsure.Failure().find("mode: max or mode: min"), std::string::npos) << unsure.Failure();
}

TEST_F(Evaluation, ScoresAreExactWhateverThePartitions) {
  const Artifact model = Classifier();
  std::string csv = "x,color,y\n";
  for (int i = 0; i < 97; ++i)
    csv += fmt::format("{},red,{}\n", i * 7 % 30, i % 3 == 0 ? "a" : "b");
  Json first;
  for (const std::uint64_t partitions : {0U, 1U, 13U, 96U}) {
    const StepRun run = Run("evaluate.classification", Json::object(),
                            {{"model", model}, {"data", Csv(csv, partitions)}}, 2);
    ASSERT_TRUE(run.ok()) << run.Failure();
    if (first.is_null()) first = run.metrics;
    EXPECT_EQ(run.metrics, first) << partitions;
  }
  const Json& b = first["per_class"]["b"];
  EXPECT_EQ(b["support"], 64);
  EXPECT_EQ(first["precision"], b["precision"]);
  EXPECT_EQ(first["lift"]["top_100_percent"], 1.0);
  EXPECT_TRUE(first.contains("accuracy"));
  EXPECT_TRUE(first.contains("roc_auc"));
  EXPECT_TRUE(first.contains("log_loss"));
}

// Even one whose target no prediction could meet.
TEST_F(Evaluation, ARowOfWeightZeroIsAbsent) {
  const auto metrics = [&](const char* type, const Artifact& model, const std::string& csv) {
    const StepRun run = Run(type, {{"weight", "w"}}, {{"model", model}, {"data", Csv(csv)}});
    EXPECT_TRUE(run.ok()) << run.Failure();
    return run.metrics;
  };
  std::string present = "x,color,y,w\n";
  std::string mixed = present;
  for (int i = 0; i < 60; ++i) {
    const std::string row =
        fmt::format("{},blue,{},{}\n", i * 7 % 30, i % 3 == 0 ? "a" : "b", 1 + i % 2);
    present += row;
    mixed += row + fmt::format("{},red,{},0\n", i % 30, i % 2 == 0 ? "a" : "b");
  }
  const Artifact classifier = Classifier();
  EXPECT_EQ(metrics("evaluate.classification", classifier, mixed),
            metrics("evaluate.classification", classifier, present));
  const Artifact line = FitRidge("x,y\n1,2\n2,4.5\n3,6\n4,7\n");
  EXPECT_EQ(metrics("evaluate.regression", line, "x,y,w\n1,2,1\n7,-1e9,0\n2,5,2\n3,5,1\n"),
            metrics("evaluate.regression", line, "x,y,w\n1,2,1\n2,5,2\n3,5,1\n"));
}

TEST_F(Evaluation, WeightsThatAreAllZeroAreNamed) {
  const StepRun classes =
      Run("evaluate.classification", {{"weight", "w"}},
          {{"model", Classifier()}, {"data", Csv("x,color,y,w\n1,blue,a,0\n20,red,b,0\n")}});
  const StepRun numbers =
      Run("evaluate.regression", {{"weight", "w"}},
          {{"model", FitRidge("x,y\n1,2\n2,4\n3,7\n")}, {"data", Csv("x,y,w\n1,2,0\n2,3,0\n")}});
  for (const StepRun* run : {&classes, &numbers}) {
    EXPECT_NE(run->Failure().find("the weight 'w' is 0 in every row"), std::string::npos)
        << run->Failure();
  }
}

TEST_F(Evaluation, WhatTheModelNeedsAndDoesNotFindIsNamed) {
  const Artifact model = Classifier();
  const auto failure = [&](const std::string& csv) {
    return Run("predict", Json::object(), {{"model", model}, {"data", Csv(csv)}}).Failure();
  };
  const std::string absent = failure("x,colour\n1,red\n");
  EXPECT_NE(absent.find("'color'"), std::string::npos) << absent;
  EXPECT_NE(absent.find("colour"), std::string::npos) << absent;
  const std::string unseen = failure("x,color\n1,red\n2,green\n");
  EXPECT_NE(unseen.find("'green'"), std::string::npos) << unseen;
  EXPECT_NE(unseen.find("row 2"), std::string::npos) << unseen;
  const std::string text = failure("x,color\n1,red\nmany,red\n");
  EXPECT_NE(text.find("'many'"), std::string::npos) << text;
}

TEST_F(Evaluation, ADateIsNotReadAsANumberNorANumberAsADate) {
  const Artifact model =
      FitRidge("x,when,y\n1,2020-01-01,3\n2,2020-02-01,4\n4,2021-01-01,7\n", kDateParts);
  const auto run = [&](const std::string& csv) {
    return Run("predict", Json::object(), {{"model", model}, {"data", Csv(csv)}});
  };
  EXPECT_NE(run("x,when\n1,20200201\n")
                .Failure()
                .find("the column 'when' was timestamp in training and is int64 here"),
            std::string::npos);
  EXPECT_NE(run("x,when\n2020-01-01,2020-02-01\n")
                .Failure()
                .find("the column 'x' was int64 in training and is timestamp here"),
            std::string::npos);
  EXPECT_TRUE(run("x,when\n1.5,2020-02-01\n").ok()) << "numbers are numbers";
}

// A second file may make other types of the same columns.
TEST_F(Evaluation, ColumnsOfAnotherFileAreReadAsInTrainingIfThatIsExact) {
  std::string csv = "size,code,open,y\n";
  for (int i = 0; i < 60; ++i) {
    csv += fmt::format("{},{},{},{}\n", i % 2 == 0 ? "10" : "XL", i % 3, i % 5 == 0, i % 7 + i % 2);
  }
  const Json one_hot = {{"one_hot", {{"columns", {"size"}}}}};
  const StepRun trained =
      Run("train.ridge", {{"target", "y"}, {"preprocess", Json::array({one_hot})}},
          {{"data", Csv(csv)}});
  ASSERT_TRUE(trained.ok()) << trained.Failure();
  const Artifact model = trained.outputs.at("model");
  const auto predict = [&](const std::string& rows) {
    return Run("predict", Json::object(),
               {{"model", model}, {"data", Csv("size,code,open\n" + rows)}});
  };
  const auto prediction = [&](const std::string& rows) {
    StepRun run = predict(rows);
    EXPECT_TRUE(run.ok()) << run.Failure();
    return Rows(run.outputs["data"]).at(0).back();
  };
  const std::string known = prediction("10,2,true\nXL,1,false\n");
  EXPECT_EQ(prediction("10,2,true\n"), known) << "whole numbers are the text that they are";
  EXPECT_EQ(prediction("10,2.0,true\n"), known);
  EXPECT_EQ(prediction("10,2,1\n10,2,0\n"), known) << "1 is true";
  const auto failure = [&](const std::string& rows) { return predict(rows).Failure(); };
  EXPECT_EQ(failure(",2,true\n10.50,2,true\n"),
            "the column 'size' was category in training and is float64 here: row 2 is '10.5' | "
            "load it with as_text: [size], so that its values stay as they are written");
  EXPECT_NE(failure("True,2,true\n").find("was category in training and is bool here"),
            std::string::npos);
  EXPECT_NE(failure("10,2,true\n10,two,true\n").find("row 2 is 'two', which is no int64"),
            std::string::npos);
  EXPECT_EQ(failure("10,true,true\n"),
            "the column 'code' was int64 in training and is bool here: row 1 is 'true' | write its "
            "values as they were written for training, or declare its type where it is loaded: "
            "types: {code: int64}");
  EXPECT_NE(failure("10,2,1\n10,2,2\n").find("row 2 is '2', which is no bool"), std::string::npos);
}

TEST_F(Evaluation, ATargetThatIsTextInAnotherFileIsReadAsANumberOrNamed) {
  const Artifact model = FitRidge("x,y\n1,2\n2,4.5\n3,6\n4,7\n");
  const auto evaluate = [&](const std::string& csv) {
    const std::string path = Path("target.csv");
    EXPECT_TRUE(WriteFileAtomic(path, csv).ok());
    StepRun loaded = Run("load.csv", {{"path", path}, {"types", {{"y", "string"}}}});
    return Run("evaluate.regression", Json::object(),
               {{"model", model}, {"data", loaded.outputs["data"]}});
  };
  const StepRun numbers = evaluate("x,y\n1,2\n2,5\n");
  ASSERT_TRUE(numbers.ok()) << numbers.Failure();
  EXPECT_EQ(numbers.metrics, Run("evaluate.regression", Json::object(),
                                 {{"model", model}, {"data", Csv("x,y\n1,2\n2,5\n")}})
                                 .metrics);
  EXPECT_NE(evaluate("x,y\n1,2\n2,n. a.\n")
                .Failure()
                .find("the target 'y' was a number in training and is string here: row 2 is 'n. "
                      "a.', which is no float64"),
            std::string::npos);
}

// Also of classes that are numbers, whose index is not their name.
TEST_F(Evaluation, AClassIsCalledByItsNameAndAFigureThatDividesByZeroIsZero) {
  const Artifact model = Classifier();
  const StepRun run = Run("evaluate.classification", Json::object(),
                          {{"model", model}, {"data", Csv("x,color,y\n1,red,a\n2,red,a\n")}});
  ASSERT_TRUE(run.ok()) << run.Failure();
  const auto warned = [&](const std::string& text) {
    return std::ranges::find(run.warnings, text) != run.warnings.end();
  };
  EXPECT_TRUE(warned("precision: Class 'b' is never predicted. It counts as 0."))
      << fmt::format("{}", fmt::join(run.warnings, "; "));
  EXPECT_TRUE(warned("recall: Class 'b' does not occur. It counts as 0."));
  EXPECT_EQ(run.metrics["precision"], 0.0);
  EXPECT_EQ(run.metrics["matthews_corrcoef"], 0.0);
  EXPECT_EQ(run.metrics["per_class"]["b"]["recall"], 0.0);
  EXPECT_FALSE(run.metrics.contains("roc_auc")) << "scikit-learn has none either";
}

TEST_F(Evaluation, AColumnOfThatNameIsNotReplacedByThePrediction) {
  const Artifact line = FitRidge("x,y\n1,2\n2,4.5\n3,6\n");
  const auto failure = [&](const Artifact& model, const std::string& csv) {
    return Run("predict", Json::object(), {{"model", model}, {"data", Csv(csv)}}).Failure();
  };
  const std::string taken = failure(line, "x,prediction\n1,mine\n");
  EXPECT_NE(taken.find("already have a column 'prediction'"), std::string::npos) << taken;
  EXPECT_NE(taken.find("preprocess.rename"), std::string::npos) << taken;
  const std::string likely = failure(Classifier(), "x,color,probability_b\n1,red,0.5\n");
  EXPECT_NE(likely.find("'probability_b'"), std::string::npos) << likely;
}

TEST_F(Evaluation, WhatPreprocessingRemovesUnreadIsNotNeeded) {
  std::string csv = "n,g,t,w,y\n";
  for (int i = 0; i < 20; ++i) csv += fmt::format("{},{},text {},1,{}\n", i, i % 3, i, 2 * i);
  const auto fit = [&](const Json& preprocess) {
    const StepRun run =
        Run("train.ridge", {{"target", "y"}, {"weight", "w"}, {"preprocess", preprocess}},
            {{"data", Csv(csv)}});
    EXPECT_TRUE(run.ok()) << run.Failure();
    return run.outputs.at("model");
  };
  const auto predict = [&](const Artifact& model, const std::string& rows) {
    return Run("predict", Json::object(), {{"model", model}, {"data", Csv(rows)}}).Failure();
  };
  const Json drop = {{"drop", {{"columns", {"g", "t"}}}}};
  EXPECT_EQ(predict(fit(Json::array({drop})), "n\n1\n2\n"), "");
  EXPECT_EQ(predict(fit(Json::array({{{"select", {{"columns", {"n"}}}}}})), "n,t\n1,a\n"), "");
  const Json read = Json::array({{{"derive", {{"columns", {{"z", "g + 1"}}}}}}, drop});
  EXPECT_EQ(predict(fit(read), "n,g\n1,0\n"), "");
  const std::string lacking = predict(fit(read), "n\n1\n");
  EXPECT_NE(lacking.find("the model needs a column that the rows lack"), std::string::npos)
      << lacking;
  EXPECT_NE(lacking.find("'g'"), std::string::npos) << lacking;
}

TEST_F(Evaluation, WhatIsToBeKnownAboutAScoreIsSaid) {
  const Artifact model =
      FitRidge("x,when,y\n1,2020-01-01,3\n2,2020-02-01,4\n4,2021-01-01,7\n", kDateParts);
  const StepRun run =
      Run("evaluate.regression", Json::object(),
          {{"model", model}, {"data", Csv("x,when,y\n1,2020-01-01,0\n2,2020-02-01,4\n")}});
  ASSERT_TRUE(run.ok()) << run.Failure();
  ASSERT_EQ(run.warnings.size(), 1U);
  EXPECT_NE(run.warnings[0].find("mape: The target is 0 in 1 row"), std::string::npos)
      << run.warnings[0];
}

TEST_F(Evaluation, TheWrongEvaluationIsAnsweredWithTheRightOne) {
  const StepRun run = Run("evaluate.regression", Json::object(),
                          {{"model", Classifier()}, {"data", Csv("x,color,y\n1,red,a\n")}});
  EXPECT_NE(run.Failure().find("use evaluate.classification"), std::string::npos) << run.Failure();
}

TEST_F(Evaluation, ClustersAreComparedWithLabels) {
  std::string csv = "x,y,group\n";
  for (int i = 0; i < 60; ++i) {
    csv += fmt::format("{},{},{}\n", (i % 3) * 100 + i % 7, (i % 3) * 50 + i % 5, "abc"[i % 3]);
  }
  const Artifact data = Csv(csv);
  const StepRun model =
      Run("train.kmeans", {{"n_clusters", 3}, {"drop", {"group"}}}, {{"data", data}});
  ASSERT_TRUE(model.ok()) << model.Failure();
  const StepRun run = Run("evaluate.clustering", {{"labels", "group"}},
                          {{"model", model.outputs.at("model")}, {"data", data}});
  ASSERT_TRUE(run.ok()) << run.Failure();
  EXPECT_DOUBLE_EQ(run.metrics["adjusted_rand"].get<double>(), 1.0);
  EXPECT_DOUBLE_EQ(run.metrics["normalized_mutual_info"].get<double>(), 1.0);
  EXPECT_GT(run.metrics["silhouette"].get<double>(), 0.9);
}

// What does not fit is refused before it is read, and the figures that stream need no room for
// rows.
TEST_F(Evaluation, ClustersAreScoredInTheMemoryThatThereIs) {
  std::string csv = "x,y\n";
  for (int i = 0; i < 5'000; ++i) csv += fmt::format("{},{}\n", i % 2 * 50 + i % 7, i * 31 % 101);
  const Artifact data = Csv(csv, 5);
  const StepRun model = Run("train.kmeans", {{"n_clusters", 2}}, {{"data", data}});
  ASSERT_TRUE(model.ok()) << model.Failure();
  const Inputs inputs{{"model", model.outputs.at("model")}, {"data", data}};
  const Json all = {{"silhouette_rows", 5'000}};
  const StepRun ample = Run("evaluate.clustering", all, inputs);
  ASSERT_TRUE(ample.ok()) << ample.Failure();
  memory_bytes_ = 256 << 10;
  const std::string refusal = Run("evaluate.clustering", all, inputs).Failure();
  EXPECT_NE(refusal.find("5000 rows of 2 features"), std::string::npos) << refusal;
  EXPECT_NE(refusal.find("lower silhouette_rows"), std::string::npos) << refusal;
  StepRun scarce = Run("evaluate.clustering", {{"silhouette_rows", 1000}}, inputs, 3);
  ASSERT_TRUE(scarce.ok()) << scarce.Failure();
  EXPECT_NE(scarce.warnings.at(0).find("sample of 1000 of the 5000 rows"), std::string::npos);
  for (const char* name : {"inertia", "calinski_harabasz", "davies_bouldin"}) {
    EXPECT_EQ(scarce.metrics[name], ample.metrics[name]) << name;
  }
}

// Of more rows than that the silhouette used to look at a sample.
TEST_F(Evaluation, TheSilhouetteLooksAtEveryRowUnlessToldOtherwise) {
  std::string csv = "x,y\n";
  for (int i = 0; i < 11'000; ++i) csv += fmt::format("{},{}\n", i % 2 * 50 + i % 7, i * 31 % 101);
  const Artifact data = Csv(csv, 3);
  const StepRun model = Run("train.kmeans", {{"n_clusters", 2}}, {{"data", data}});
  ASSERT_TRUE(model.ok()) << model.Failure();
  const Inputs inputs{{"model", model.outputs.at("model")}, {"data", data}};
  const StepRun found = Run("evaluate.clustering", Json::object(), inputs, 2);
  ASSERT_TRUE(found.ok()) << found.Failure();
  EXPECT_TRUE(found.warnings.empty()) << found.warnings.front();
  const StepRun all = Run("evaluate.clustering", {{"silhouette_rows", "all"}}, inputs);
  ASSERT_TRUE(all.ok()) << all.Failure();
  EXPECT_EQ(all.metrics, found.metrics);
  const StepRun sample = Run("evaluate.clustering", {{"silhouette_rows", 1'000}}, inputs);
  ASSERT_EQ(sample.warnings.size(), 1U);
  EXPECT_NE(sample.warnings[0].find("silhouette_rows: all, which is 121.0 times the work"),
            std::string::npos)
      << sample.warnings[0];
}

TEST_F(Evaluation, PcaGivesComponents) {
  std::string csv = "a,b,c\n";
  for (int i = 0; i < 30; ++i) csv += fmt::format("{},{},{}\n", i, 2 * i + i % 3, i * 7 % 11);
  const Artifact data = Csv(csv);
  const StepRun model = Run("train.pca", {{"n_components", 2}}, {{"data", data}});
  ASSERT_TRUE(model.ok()) << model.Failure();
  const double first = model.metrics.at("explained_variance_ratio_1").get<double>();
  const double second = model.metrics.at("explained_variance_ratio_2").get<double>();
  EXPECT_GT(first, second);
  EXPECT_NEAR(model.metrics.at("explained_variance_ratio_total").get<double>(), first + second,
              1e-15);
  const std::string panels = ReadFile(model.outputs.at("report").files.at(0).path).value();
  const Json bars = Json::parse(panels).at("panels").at(0);
  EXPECT_EQ(bars.at("type"), "bars");
  EXPECT_NE(bars.at("title").get<std::string>().find("Explained variance"), std::string::npos);
  EXPECT_EQ(bars.at("values"), Json::array({first, second}));
  const StepRun run =
      Run("predict", Json::object(), {{"model", model.outputs.at("model")}, {"data", data}});
  ASSERT_TRUE(run.ok()) << run.Failure();
  EXPECT_EQ(Rows(run.outputs.at("data"))[0].size(), 5U) << "three columns and two components";
}

}  // namespace
}  // namespace dml::steps

// drop_missing and filter inside `preprocess:`: which rows a model learns from, and which it
// answers for.

#include <fmt/format.h>

#include <algorithm>

#include "plugins/learn/model_file.h"
#include "tests/steps/step_lab.h"

namespace dml::steps {
namespace {

const Json kBoardDropMissing = {{"drop_missing", {{"columns", {"a", "b"}}}}};
const Json kBoardFilter = {{"filter", {{"where", "b > 8 AND kind <> 'clay'"}}}};
const Json kBoardRest = Json::array(
    {{{"one_hot", {{"columns", {"kind"}}}}}, {{"standardize", {{"columns", {"a", "b"}}}}}});
const Json kBoardChain =
    Json::array({kBoardDropMissing, kBoardFilter, kBoardRest[0], kBoardRest[1]});

// Lengths, some of them missing, with a price, a class and a group.
std::string Boards(int rows) {
  const char* const kinds[] = {"wood", "stone", "clay", "glass", "wood"};
  std::string csv = "a,b,kind,y,w,class,who\n";
  for (int i = 0; i < rows; ++i) {
    const double a = 0.25 * (i * 37 % 101) + 0.5;
    const double b = 0.5 * (i * 53 % 97) + 1;
    const double noise = (i * 7919 % 13) - 6.0;
    const std::string gap = i % 11 == 0 ? "" : fmt::format("{}", a);
    csv += fmt::format("{},{},{},{},{},{},{}\n", gap, i % 17 == 3 ? "" : fmt::format("{}", b),
                       kinds[i % 5], a * 2 - b + noise, 1 + i % 3,
                       a + b + noise > 30 ? "long" : "short", i * 31 % 40);
  }
  return csv;
}

class RowsInModel : public StepLab {
 protected:
  StepRun Train(const std::string& uses, const Json& preprocess, const Artifact& data,
                Json params = Json::object(), int threads = 1) {
    params["preprocess"] = preprocess;
    Json drop = {"w", "class", "who"};
    if (params.value("target", "") == "class") drop = {"w", "y", "who"};
    if (!params.contains("drop")) params["drop"] = drop;
    return Run(uses, params, {{"data", data}}, threads);
  }
  StepRun Ridge(const std::string& csv, const Json& preprocess, Json more = Json::object()) {
    Json params = {{"target", "y"}, {"drop", Json::array()}};
    params.update(more);
    return Train("train.ridge", preprocess, Csv(csv), params);
  }
  StepRun Predict(const StepRun& trained, const Artifact& data) {
    return Run("predict", Json::object(), {{"model", trained.outputs.at("model")}, {"data", data}});
  }
  // The rows that kBoardChain keeps, by the steps of the same names.
  Artifact Kept(const Artifact& data) {
    const StepRun whole =
        Run("preprocess.drop_missing", kBoardDropMissing["drop_missing"], {{"data", data}});
    EXPECT_TRUE(whole.ok()) << whole.Failure();
    const StepRun kept =
        Run("filter", kBoardFilter["filter"], {{"data", whole.outputs.at("data")}});
    EXPECT_TRUE(kept.ok()) << kept.Failure();
    return kept.outputs.at("data");
  }
  // Everything that the estimator has learnt, to the bit.
  static std::string Learnt(const StepRun& run) {
    if (!run.ok()) return run.Failure();
    auto loaded = learn::ReadModelFile(run.outputs.at("model").files.at(0).path);
    if (!loaded.ok()) return loaded.error().Render();
    Json header;
    std::vector<learn::OwnedTensor> tensors;
    loaded->model.predictor->Save(header, tensors);
    header["certificate"] = loaded->model.certificate.ToJson();
    std::string out = header.dump();
    for (const learn::OwnedTensor& tensor : tensors) {
      out += tensor.name;
      for (const std::byte byte : tensor.data) out += static_cast<char>(byte);
    }
    return out;
  }
  static bool Warns(const StepRun& run, const std::string& warning) {
    return std::ranges::count(run.warnings, warning) == 1;
  }
};

struct BoardFit {
  std::string uses;
  Json params;
};

TEST_F(RowsInModel, AFitIsThatToTheRowsThatTheStepsLeave) {
  const Artifact data = Csv(Boards(6000), 3);
  const Artifact kept = Kept(data);
  const Json validate = {{"folds", 3}, {"seed", 4}};
  Json grouped = validate;
  grouped["group"] = "who";
  const std::vector<BoardFit> fits{
      {"train.ridge", {{"target", "y"}, {"validate", validate}}},
      {"train.ridge", {{"target", "y"}, {"weight", "w"}, {"drop", {"class", "who"}}}},
      {"train.ridge", {{"target", "y"}, {"validate", grouped}}},
      {"train.linear_regression", {{"target", "y"}}},
      {"train.logistic_regression", {{"target", "class"}, {"validate", validate}}},
      {"train.decision_tree", {{"target", "y"}, {"max_depth", 5}, {"validate", validate}}},
      {"train.random_forest", {{"target", "class"}, {"n_estimators", 5}}},
      {"train.kmeans", {{"n_clusters", 3}, {"drop", {"y", "w", "class", "who"}}}},
      {"train.pca", {{"drop", {"y", "w", "class", "who"}}}}};
  for (const BoardFit& fit : fits) {
    SCOPED_TRACE(fit.uses + fit.params.dump());
    const StepRun inside = Train(fit.uses, kBoardChain, data, fit.params);
    const StepRun outside = Train(fit.uses, kBoardRest, kept, fit.params);
    ASSERT_TRUE(inside.ok()) << inside.Failure();
    ASSERT_TRUE(outside.ok()) << outside.Failure();
    EXPECT_EQ(Learnt(inside), Learnt(outside));
    EXPECT_EQ(inside.metrics.at("rows"), outside.metrics.at("rows"));
    EXPECT_EQ(inside.metrics.value("cv", Json()), outside.metrics.value("cv", Json()));
    EXPECT_EQ(inside.metrics.at("dropped").get<int>(), 6000 - outside.metrics["rows"].get<int>());
    EXPECT_FALSE(outside.metrics.contains("dropped"));
  }
}

TEST_F(RowsInModel, SameBytesForAnyThreadsAndPartitions) {
  const std::string csv = Boards(9000);
  const Json params = {{"target", "y"}, {"validate", {{"folds", 3}, {"seed", 4}}}};
  for (const char* uses : {"train.ridge", "train.decision_tree"}) {
    const StepRun one = Train(uses, kBoardChain, Csv(csv), params);
    ASSERT_TRUE(one.ok()) << one.Failure();
    for (const auto& [threads, partitions] :
         std::vector<std::pair<int, std::uint64_t>>{{2, 0}, {3, 2}, {7, 9}, {2, 50}}) {
      const StepRun many = Train(uses, kBoardChain, Csv(csv, partitions), params, threads);
      ASSERT_TRUE(many.ok()) << many.Failure();
      EXPECT_EQ(Bytes(many.outputs.at("model")), Bytes(one.outputs.at("model")))
          << uses << ", " << threads << " threads, partitions: " << partitions;
    }
  }
}

TEST_F(RowsInModel, WhatIsDroppedIsSaidAndCounted) {
  const std::string csv = "x,y\n1,1\n,2\n3,3\n4,4\n5,6\n";
  const StepRun some =
      Ridge(csv, {{{"drop_missing", Json::object()}}, {{"filter", {{"where", "x < 5"}}}}});
  ASSERT_TRUE(some.ok()) << some.Failure();
  EXPECT_EQ(some.metrics["rows"], 3);
  EXPECT_EQ(some.metrics["dropped"], 2);
  EXPECT_TRUE(Warns(some,
                    "preprocess drops 2 of 5 rows (1 by drop_missing, 1 by filter): the model is "
                    "fitted to the other 3, and has no prediction for such rows"))
      << Json(some.warnings);
  const StepRun none = Ridge("x,y\n1,1\n2,2\n3,4\n", {{{"drop_missing", Json::object()}}});
  ASSERT_TRUE(none.ok()) << none.Failure();
  EXPECT_EQ(none.metrics["dropped"], 0);
  EXPECT_TRUE(none.warnings.empty()) << Json(none.warnings);
  EXPECT_EQ(Ridge(csv, {{{"filter", {{"where", "x > 1"}}}}, {{"filter", {{"where", "x < 0"}}}}})
                .Failure(),
            "'filter' in preprocess drops every row that is there, 3 in all | look at what it asks "
            "of a row, and at what the steps and transforms before it leave");
}

TEST_F(RowsInModel, PredictionsStandBesideTheirRows) {
  const std::string csv = Boards(9000);
  const Json params = {{"target", "class"}};
  const StepRun inside = Train("train.logistic_regression", kBoardChain, Csv(csv), params);
  ASSERT_TRUE(inside.ok()) << inside.Failure();
  const Artifact data = Csv(csv, 7);
  const Artifact kept = Kept(data);
  const StepRun outside = Train("train.logistic_regression", kBoardRest, kept, params);
  ASSERT_TRUE(outside.ok()) << outside.Failure();
  const StepRun all = Predict(inside, data);
  const StepRun some = Predict(outside, kept);
  ASSERT_TRUE(all.ok()) << all.Failure();
  ASSERT_TRUE(some.ok()) << some.Failure();
  const auto raw = Rows(data);
  const auto answers = Rows(all.outputs.at("data"));
  const auto expected = Rows(some.outputs.at("data"));
  ASSERT_EQ(answers.size(), raw.size());
  std::size_t next = 0;
  for (std::size_t row = 0; row < raw.size(); ++row) {
    ASSERT_TRUE(std::equal(raw[row].begin(), raw[row].end(), answers[row].begin())) << row;
    const bool stays = next < expected.size() &&
                       std::equal(raw[row].begin(), raw[row].end(), expected[next].begin());
    if (stays) {
      ASSERT_EQ(answers[row], expected[next++]) << row;
    } else {
      for (std::size_t c = raw[row].size(); c < answers[row].size(); ++c) {
        ASSERT_EQ(answers[row][c], "") << row;
      }
    }
  }
  EXPECT_EQ(next, expected.size());
  EXPECT_EQ(all.metrics["rows"], 9000);
  EXPECT_EQ(all.metrics["dropped"].get<std::size_t>(), 9000 - expected.size());
  EXPECT_FALSE(some.metrics.contains("dropped"));
}

TEST_F(RowsInModel, ARowThatIsDroppedHasNoPrediction) {
  const StepRun trained =
      Ridge("x,y\n1,1\n2,2\n3,3\n4,4\n5,6\n", {{{"filter", {{"where", "x < 5"}}}}});
  ASSERT_TRUE(trained.ok()) << trained.Failure();
  const StepRun one = Predict(trained, Csv("x\n9\n1\n"));
  ASSERT_TRUE(one.ok()) << one.Failure();
  EXPECT_EQ(Rows(one.outputs.at("data"))[0][1], "");
  EXPECT_NE(Rows(one.outputs.at("data"))[1][1], "");
  EXPECT_TRUE(Warns(one,
                    "1 of 2 rows has no prediction: the preprocessing of the model drops it (1 by "
                    "filter)"))
      << Json(one.warnings);
  const StepRun all = Predict(trained, Csv("x\n9\n8\n"));
  ASSERT_TRUE(all.ok()) << all.Failure();
  EXPECT_EQ(Rows(all.outputs.at("data")).size(), 2U);
  EXPECT_TRUE(Warns(all,
                    "2 of 2 rows have no prediction: the preprocessing of the model drops them (2 "
                    "by filter)"))
      << Json(all.warnings);
  const StepRun none = Predict(trained, Csv("x\n2\n"));
  EXPECT_TRUE(none.warnings.empty()) << Json(none.warnings);
  const StepRun clusters = Train("train.kmeans", {{{"drop_missing", Json::object()}}},
                                 Csv("x\n1\n\n5\n"), {{"n_clusters", 2}, {"drop", Json::array()}});
  ASSERT_TRUE(clusters.ok()) << clusters.Failure();
  EXPECT_EQ(Rows(Predict(clusters, Csv("x,z\n1,a\n,b\n")).outputs.at("data"))[1],
            (std::vector<std::string>{"", "b", ""}));
}

TEST_F(RowsInModel, AnEvaluationLeavesThemOut) {
  const Artifact data = Csv(Boards(3000), 4);
  const Artifact kept = Kept(data);
  const std::vector<std::tuple<std::string, std::string, Json, Json>> cases{
      {"train.ridge", "evaluate.regression", {{"target", "y"}}, Json::object()},
      {"train.ridge", "evaluate.regression", {{"target", "y"}}, {{"weight", "w"}}},
      {"train.logistic_regression",
       "evaluate.classification",
       {{"target", "class"}},
       Json::object()},
      {"train.kmeans",
       "evaluate.clustering",
       {{"n_clusters", 3}, {"drop", {"y", "w", "class", "who"}}},
       {{"labels", "class"}}}};
  for (const auto& [trainer, uses, params, how] : cases) {
    SCOPED_TRACE(uses);
    const StepRun inside = Train(trainer, kBoardChain, data, params);
    const StepRun outside = Train(trainer, kBoardRest, kept, params);
    StepRun all = Run(uses, how, {{"model", inside.outputs.at("model")}, {"data", data}}, 3);
    StepRun some = Run(uses, how, {{"model", outside.outputs.at("model")}, {"data", kept}});
    ASSERT_TRUE(all.ok()) << all.Failure();
    ASSERT_TRUE(some.ok()) << some.Failure();
    EXPECT_EQ(all.metrics["dropped"], inside.metrics["dropped"]);
    all.metrics.erase("dropped");
    EXPECT_EQ(all.metrics, some.metrics);
    EXPECT_EQ(Bytes(all.outputs.at("report")), Bytes(some.outputs.at("report")));
  }
}

TEST_F(RowsInModel, AnEvaluationSaysHowManyItLeavesOut) {
  const StepRun trained =
      Ridge("x,y\n1,1\n2,2\n3,3\n4,4\n5,6\n", {{{"filter", {{"where", "x < 5"}}}}});
  const auto evaluate = [&](const std::string& csv) {
    return Run("evaluate.regression", Json::object(),
               {{"model", trained.outputs.at("model")}, {"data", Csv(csv)}});
  };
  const StepRun some = evaluate("x,y\n1,1\n9,\n2,3\n");
  ASSERT_TRUE(some.ok()) << some.Failure() << ": the row without a target takes no part";
  EXPECT_TRUE(Warns(some,
                    "the preprocessing of the model drops 1 of 3 rows (1 by filter): the figures "
                    "are of the other 2"))
      << Json(some.warnings);
  EXPECT_EQ(evaluate("x,y\n9,1\n8,2\n").Failure(),
            "the preprocessing of the model drops every row (2 by filter) | evaluate on rows like "
            "those that the model was fitted to");
  EXPECT_NE(evaluate("x,y\n9,1\n1,2\n2,\n").Failure().find("has no value in row 3"),
            std::string::npos)
      << "the number of the row in the table";
}

// What is wrong with a row that is not learnt from does not matter, and the numbers of others stay.
TEST_F(RowsInModel, OnlyRowsThatStayHaveToBeRight) {
  const Json positive = {{{"filter", {{"where", "x > 0"}}}}};
  const Json weighted = {{"weight", "w"}, {"drop", {"class"}}};
  const std::string good = "1,1,1,no\n2,2,1,no\n3,4,1,yes\n4,4,1,yes\n";
  const std::string bad = "x,y,w,class\n-1,,-3,\n" + good + "-1,,,maybe\n";
  EXPECT_TRUE(Ridge(bad, positive, weighted).ok()) << Ridge(bad, positive, weighted).Failure();
  const StepRun classes = Train("train.logistic_regression", positive, Csv(bad),
                                {{"target", "class"}, {"drop", {"y", "w"}}});
  ASSERT_TRUE(classes.ok()) << classes.Failure();
  auto model = learn::ReadModelFile(classes.outputs.at("model").files.at(0).path);
  EXPECT_EQ(model->model.classes, (std::vector<std::string>{"no", "yes"}));
  EXPECT_EQ(Ridge("x,y\n-1,3\n1,2\n2,2\n", positive).Failure().find("the target 'y' is constant"),
            0U);
  EXPECT_EQ(Ridge("x,y\n-1,3\n1,2\n2,\n", positive)
                .Failure()
                .find("the target 'y' has no value in row 3"),
            0U);
  EXPECT_EQ(Ridge("x,y,w,class\n-1,3,1,\n1,2,1,\n2,3,-1,\n", positive, weighted)
                .Failure()
                .find("the weight 'w' is -1 in row 3"),
            0U);
  EXPECT_EQ(Ridge("x,z,y\n-1,1,3\n1,2,2\n2,3,1\n3,,1\n", positive)
                .Failure()
                .find("the column 'z' has no value in row 4"),
            0U);
}

// Rules see what the transforms before them leave, and in a fold what these have learnt there.
TEST_F(RowsInModel, RulesMayStandBehindWhatIsLearnt) {
  Json chain = Json::array({{{"impute", {{"columns", {"a"}}}}},
                            {{"standardize", {{"columns", {"a"}}}}},
                            {{"filter", {{"where", "a < 1.6"}}}},
                            {{"select", {{"columns", {"a"}}}}}});
  const Artifact data = Csv(Boards(500));
  const Json params = {{"target", "y"}, {"validate", {{"folds", 5}}}};
  const StepRun trained = Train("train.ridge", chain, data, params);
  ASSERT_TRUE(trained.ok()) << trained.Failure();
  EXPECT_GT(trained.metrics["dropped"], 0);
  EXPECT_TRUE(trained.metrics["cv"].contains("r2"));
  chain[2]["filter"]["where"] = "a < 1.6 AND abs(b - 4.2) > 1e9";
  EXPECT_EQ(Train("train.ridge", chain, data, params).Failure().find("'filter' in preprocess"), 0U);
}

// Two groups far apart: to what was learnt from one, rows of the other are outliers.
TEST_F(RowsInModel, RowsToTestOnThatAFoldDropsAreNotScored) {
  const Json chain = {{{"standardize", {{"columns", {"x"}}}}},
                      {{"filter", {{"where", "abs(x) < 100"}}}}};
  std::string csv = "x,y,who\n";
  for (int i = 0; i < 10; ++i) csv += fmt::format("{},{},a\n{},{},b\n", i, i * i, 1000 + i, i);
  const Json params = {{"drop", {"who"}}, {"validate", {{"folds", 2}, {"group", "who"}}}};
  const StepRun all = Ridge(csv, chain, params);
  EXPECT_EQ(all.Failure(),
            "fold 1 of 2: its preprocessing drops every row to test on (10 by filter) | put it "
            "before the transforms that learn from rows, or in a step before this one");
  const StepRun some = Ridge(csv + "5,3,b\n6,4,b\n", chain, params);
  ASSERT_TRUE(some.ok()) << some.Failure();
  EXPECT_EQ(some.metrics["dropped"], 0);
  EXPECT_EQ(std::ranges::count_if(some.warnings,
                                  [](const std::string& warning) {
                                    return warning.starts_with("Fold ") &&
                                           warning.ends_with(
                                               ": its preprocessing drops 10 of 12 rows to test "
                                               "on (10 by filter).");
                                  }),
            1)
      << Json(some.warnings);
}

TEST_F(RowsInModel, NewRowsAreJudgedAsThoseOfTraining) {
  const Json chain = {{{"filter", {{"where", "n / 2 = 3"}}}}};
  const StepRun trained = Ridge("n,y\n6,1\n7,2\n8,3\n", chain);
  ASSERT_TRUE(trained.ok()) << trained.Failure();
  EXPECT_EQ(trained.metrics["rows"], 2);
  const auto rows = Rows(Predict(trained, Csv("n\n7.0\n8.0\n")).outputs.at("data"));
  EXPECT_NE(rows[0][1], "") << "7 / 2 is 3 of whole numbers";
  EXPECT_EQ(rows[1][1], "");
  EXPECT_EQ(Predict(trained, Csv("n\n7\n7.5\n")).Failure(),
            "the column 'n' held whole numbers only when the model learnt: row 2 is '7.5', which "
            "is no int64 | train it with cast: {columns: {n: float64}} before filter");
  EXPECT_NE(Predict(trained, Csv("m\n7\n")).Failure().find("there is no column 'n'"),
            std::string::npos);
  const StepRun odd = Ridge("n,y\n1,1\n2,2\n3,4\n",
                            {{{"filter", {{"where", "CASE WHEN n > 9 THEN 'many' ELSE 1 END"}}}}});
  ASSERT_TRUE(odd.ok()) << odd.Failure();
  const StepRun text = Predict(odd, Csv("n\n1\n2\n10\n"));
  ASSERT_FALSE(text.ok());
  EXPECT_EQ(text.result.error().Render().find("row 3: where: the result is 'many'"), 0U)
      << text.result.error().Render();
}

// one_hot compares texts, so that a word in a column of numbers is an unknown value to it, also
// behind a rule that asks only whether there is a value.
TEST_F(RowsInModel, AWordAmongNumbersIsAValue) {
  const Json chain = {{{"drop_missing", Json::object()}},
                      {{"one_hot", {{"columns", {"n"}}, {"handle_unknown", "ignore"}}}}};
  const StepRun trained = Ridge("n,y\n1,1\n2,2\n1,1.5\n,4\n", chain);
  ASSERT_TRUE(trained.ok()) << trained.Failure();
  const StepRun predicted = Predict(trained, Csv("n\nmany\n2\n\"\"\n"));
  ASSERT_TRUE(predicted.ok()) << predicted.Failure();
  EXPECT_NE(Rows(predicted.outputs.at("data"))[0][1], "");
}

TEST_F(RowsInModel, MistakesAreNamed) {
  const std::string csv = "x,color,y\n1,red,1\n2,blue,2\n3,red,3\n";
  const auto failure = [&](const Json& rule) {
    return Ridge(csv, Json::array({rule, {{"drop", {{"columns", {"color"}}}}}})).Failure();
  };
  EXPECT_EQ(failure({{"filter", {{"where", "colour = 'red'"}}}}),
            "cannot fit 'filter': where: there is no column 'colour'\n    colour = 'red'\n    "
            "^~~~~~ | did you mean 'color'?");
  EXPECT_EQ(failure({{"drop_missing", {{"columns", {"z"}}}}}),
            "cannot fit 'drop_missing': there is no column 'z' | the columns are: x, "
            "color");
  EXPECT_NE(failure({{"filter", {{"where", "x > 'red'"}}}}).find("they do not compare"),
            std::string::npos);
}

}  // namespace
}  // namespace dml::steps

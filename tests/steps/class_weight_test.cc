#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/steps/step_lab.h"

// What users of scikit-learn type: class_weight as a mapping, and the options of forests, trees and
// k-means beside it.

namespace dml::steps {
namespace {

class FamiliarOptions : public StepLab {
 protected:
  // Two classes of three are mixed up in half of the rows; `w` is 5 for rows of class "yes".
  Artifact Data(std::uint64_t partitions = 0) {
    std::string csv = "x,z,y,w\n";
    for (int i = 0; i < 240; ++i) {
      const char* label = i % 3 == 0 ? "maybe" : i * 37 % 11 > 6 ? "yes" : "no";
      csv += fmt::format("{},{},{},{}\n", i * 53 % 97 + (i % 3 == 0 ? 60 : 0), i * 37 % 11 + i % 4,
                         label, label == std::string("yes") ? 5 : 1);
    }
    return Csv(csv, partitions);
  }
  StepRun Train(const std::string& uses, Json params, std::uint64_t partitions = 0,
                int threads = 1) {
    params.update({{"target", "y"}});
    if (!params.contains("weight")) params["drop"] = {"w"};
    return Run("train." + uses, params, {{"data", Data(partitions)}}, threads);
  }
  Json Scores(const std::string& uses, const Json& params) {
    const StepRun model = Train(uses, params);
    EXPECT_TRUE(model.ok()) << model.Failure();
    return Run("evaluate.classification", Json::object(),
               {{"model", model.outputs.at("model")}, {"data", Data()}})
        .metrics;
  }
};

TEST_F(FamiliarOptions, AWeightOfAClassIsThatOfItsRows) {
  for (const auto& [uses, own] :
       std::vector<std::pair<std::string, Json>>{{"logistic_regression", {{"tol", 1e-10}}},
                                                 {"decision_tree", {{"max_depth", 3}}},
                                                 {"random_forest", {{"n_estimators", 5}}}}) {
    Json by_class = own;
    by_class["class_weight"] = {{"yes", 5}};
    Json by_row = own;
    by_row["weight"] = "w";
    const Json weighed = Scores(uses, by_class);
    EXPECT_NEAR(weighed["log_loss"].get<double>(), Scores(uses, by_row)["log_loss"].get<double>(),
                1e-6)
        << uses;
    EXPECT_NE(weighed["log_loss"], Scores(uses, own)["log_loss"]) << uses;
  }
}

TEST_F(FamiliarOptions, AWeightOfNoClassIsNamed) {
  for (const char* uses : {"logistic_regression", "decision_tree", "random_forest"}) {
    const StepRun run = Train(uses, {{"class_weight", {{"Yes", 5}, {"no", 2}}}});
    EXPECT_EQ(run.Failure(),
              "class_weight has a weight for 'Yes', which is no class of the target | did you mean "
              "'yes'?")
        << uses;
  }
}

TEST_F(FamiliarOptions, GiveTheSameBytesForAnyThreadsAndPartitions) {
  const std::vector<std::pair<std::string, Json>> cases{
      {"logistic_regression", {{"class_weight", {{"yes", 5}, {"no", 0.5}}}}},
      {"decision_tree", {{"class_weight", {{"yes", 5}}}, {"ccp_alpha", 0.004}}},
      {"random_forest",
       {{"n_estimators", 7}, {"class_weight", "balanced_subsample"}, {"max_samples", 0.5}}},
      {"random_forest", {{"n_estimators", 7}, {"ccp_alpha", 0.004}, {"max_samples", 100}}}};
  for (const auto& [uses, params] : cases) {
    std::string bytes;
    for (const int threads : {1, 2, 3, 7}) {
      const StepRun run = Train(uses, params, static_cast<std::uint64_t>(threads * 2 - 1), threads);
      ASSERT_TRUE(run.ok()) << run.Failure();
      if (bytes.empty()) bytes = Bytes(run.outputs.at("model"));
      EXPECT_TRUE(bytes == Bytes(run.outputs.at("model"))) << uses << ", " << threads << " threads";
    }
  }
}

TEST_F(FamiliarOptions, ATreeIsPruned) {
  const auto leaves = [&](const char* uses, double alpha) {
    const StepRun run = Train(uses, {{"ccp_alpha", alpha}});
    EXPECT_TRUE(run.ok()) << run.Failure();
    return run.metrics["leaves"].get<int>();
  };
  for (const char* uses : {"decision_tree", "random_forest"}) {
    EXPECT_EQ(leaves(uses, 0.0), Train(uses, Json::object()).metrics["leaves"]);
    EXPECT_LT(leaves(uses, 0.01), leaves(uses, 0.0) / 2);
  }
  EXPECT_EQ(leaves("decision_tree", 1.0), 1);
}

TEST_F(FamiliarOptions, AForestCannotDrawMoreRowsThanThereAre) {
  const StepRun run = Train("random_forest", {{"max_samples", 241}});
  EXPECT_EQ(run.Failure(),
            "max_samples is 241, but there are 240 rows | lower it, or use a share such as 0.5");
  const StepRun folds = Train(
      "random_forest", {{"max_samples", 200}, {"n_estimators", 2}, {"validate", {{"folds", 5}}}});
  EXPECT_NE(folds.Failure().find("there are 192 rows"), std::string::npos) << folds.Failure();
  EXPECT_TRUE(Train("random_forest", {{"max_samples", 1.0}, {"n_estimators", 2}}).ok());
}

// One start of k-means++, ten of random rows: scikit-learn's meaning.
TEST_F(FamiliarOptions, AutoIsANumberOfStarts) {
  const auto model = [&](const Json& init, const Json& n_init) {
    const StepRun run = Run(
        "train.kmeans", {{"n_clusters", 5}, {"init", init}, {"n_init", n_init}, {"drop", {"y"}}},
        {{"data", Data()}});
    EXPECT_TRUE(run.ok()) << run.Failure();
    return run.metrics["inertia"].get<double>();
  };
  for (const char* init : {"k-means++", "k-means||"}) {
    EXPECT_EQ(model(init, "auto"), model(init, 1)) << init;
  }
  EXPECT_EQ(model("random", "auto"), model("random", 10));
  EXPECT_LE(model("random", 10), model("random", 1));
}

}  // namespace
}  // namespace dml::steps

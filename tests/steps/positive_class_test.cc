#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/steps/step_lab.h"

// `positive` and `threshold`: which of two classes metrics are about, and what counts as found.

namespace dml::steps {
namespace {

class PositiveClass : public StepLab {
 protected:
  // "no" for two rows of three, and a feature that tells it badly.
  std::string Rows60() {
    std::string csv = "x,y\n";
    for (int i = 0; i < 60; ++i) {
      csv += fmt::format("{},{}\n", i * 37 % 23 + (i % 3 == 0 ? 6 : 0), i % 3 == 0 ? "yes" : "no");
    }
    return csv;
  }
  Artifact Model(const Json& more = Json::object()) {
    Json params = {{"target", "y"}};
    params.update(more);
    const StepRun run = Run("train.logistic_regression", params, {{"data", Csv(Rows60())}});
    EXPECT_TRUE(run.ok()) << run.Failure();
    trained_ = run.metrics;
    return run.outputs.at("model");
  }
  StepRun Evaluate(const Artifact& model, const Json& params) {
    return Run("evaluate.classification", params, {{"model", model}, {"data", Csv(Rows60())}});
  }
  Json trained_;
};

TEST_F(PositiveClass, IsTheSecondUnlessItIsChosen) {
  const Artifact model = Model();
  const StepRun usual = Evaluate(model, Json::object());
  const StepRun second = Evaluate(model, {{"positive", "yes"}});
  const StepRun first = Evaluate(model, {{"positive", "no"}});
  ASSERT_TRUE(usual.ok() && second.ok() && first.ok()) << first.Failure();
  EXPECT_EQ(usual.metrics, second.metrics);
  for (const char* figure : {"precision", "recall", "f1"}) {
    EXPECT_EQ(usual.metrics[figure], usual.metrics["per_class"]["yes"][figure]) << figure;
    EXPECT_EQ(first.metrics[figure], usual.metrics["per_class"]["no"][figure]) << figure;
  }
  for (const char* figure : {"accuracy", "f1_macro", "matthews_corrcoef"}) {
    EXPECT_NEAR(first.metrics[figure].get<double>(), usual.metrics[figure].get<double>(), 1e-12);
  }
  EXPECT_NEAR(first.metrics["roc_auc"].get<double>(), usual.metrics["roc_auc"].get<double>(),
              1e-12);
  EXPECT_NE(first.metrics["average_precision"], usual.metrics["average_precision"]);
  EXPECT_EQ(first.metrics["per_class"], usual.metrics["per_class"]);
}

TEST_F(PositiveClass, AClassThatIsNotThereIsRefused) {
  const StepRun run = Evaluate(Model(), {{"positive", "Yes"}});
  EXPECT_NE(run.Failure().find("no class 'Yes' to be the positive one"), std::string::npos);
  EXPECT_NE(run.Failure().find("did you mean 'yes'?"), std::string::npos) << run.Failure();
}

TEST_F(PositiveClass, NumbersNameClassesToo) {
  const Artifact rows = Csv("x,y\n1,0\n2,0\n3,1\n4,0\n5,1\n6,1\n");
  const StepRun model = Run("train.logistic_regression", {{"target", "y"}}, {{"data", rows}});
  ASSERT_TRUE(model.ok()) << model.Failure();
  for (const Json& zero : {Json(0), Json(0.0), Json("0")}) {
    const StepRun run = Run("evaluate.classification", {{"positive", zero}},
                            {{"model", model.outputs.at("model")}, {"data", rows}});
    ASSERT_TRUE(run.ok()) << run.Failure();
    EXPECT_EQ(run.metrics["recall"], run.metrics["per_class"]["0"]["recall"]) << zero.dump();
  }
}

TEST_F(PositiveClass, AThresholdDecidesInsteadOfTheLikelierClass) {
  const Artifact model = Model();
  const StepRun half = Evaluate(model, Json::object());
  const StepRun low = Evaluate(model, {{"threshold", 0.0}});
  const StepRun high = Evaluate(model, {{"threshold", 1.0}});
  ASSERT_TRUE(low.ok() && high.ok()) << low.Failure() << high.Failure();
  EXPECT_EQ(low.metrics["recall"], 1.0);
  EXPECT_NEAR(low.metrics["precision"].get<double>(), 20.0 / 60, 1e-12);
  EXPECT_EQ(high.metrics["recall"], 0.0);
  EXPECT_EQ(low.metrics["roc_auc"], half.metrics["roc_auc"]) << "a threshold ranks nothing";
  EXPECT_EQ(low.metrics["log_loss"], half.metrics["log_loss"]);
  EXPECT_EQ(Evaluate(model, {{"threshold", 0.5}}).metrics, half.metrics);
  const StepRun of_no = Evaluate(model, {{"positive", "no"}, {"threshold", 0.0}});
  EXPECT_NEAR(of_no.metrics["precision"].get<double>(), 40.0 / 60, 1e-12);
}

TEST_F(PositiveClass, SeveralClassesHaveNeither) {
  const Artifact rows = Csv("x,y\n1,a\n2,a\n3,b\n4,c\n5,b\n6,c\n");
  const StepRun model = Run("train.logistic_regression", {{"target", "y"}}, {{"data", rows}});
  ASSERT_TRUE(model.ok()) << model.Failure();
  const auto failure = [&](const Json& params) {
    return Run("evaluate.classification", params,
               {{"model", model.outputs.at("model")}, {"data", rows}})
        .Failure();
  };
  EXPECT_NE(failure({{"positive", "a"}}).find("one of two classes, and there are 3"),
            std::string::npos);
  EXPECT_NE(failure({{"threshold", 0.2}}).find("between two classes, and there are 3"),
            std::string::npos);
}

TEST_F(PositiveClass, CrossValidationScoresItToo) {
  Json validate = {{"folds", 3}, {"scoring", {"recall", "roc_auc"}}};
  Model({{"validate", validate}});
  const Json of_yes = trained_["cv"];
  validate["positive"] = "no";
  Model({{"validate", validate}});
  EXPECT_NE(trained_["cv"]["recall"], of_yes["recall"]);
  EXPECT_NEAR(trained_["cv"]["roc_auc"].get<double>(), of_yes["roc_auc"].get<double>(), 1e-12);
}

}  // namespace
}  // namespace dml::steps

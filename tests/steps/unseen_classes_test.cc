#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include "tests/steps/step_lab.h"

// Rows to evaluate on may have classes that no row of training had.

namespace dml::steps {
namespace {

constexpr const char* kKnown = "x,y,w\n1,no,1\n2,no,1\n3,yes,1\n4,no,1\n5,yes,1\n6,yes,1\n";

class UnseenClasses : public StepLab {
 protected:
  UnseenClasses() : model_(Train(kKnown)) {}
  Artifact Train(const std::string& csv) {
    const StepRun run =
        Run("train.logistic_regression", {{"target", "y"}, {"drop", {"w"}}}, {{"data", Csv(csv)}});
    EXPECT_TRUE(run.ok()) << run.Failure();
    return run.outputs.at("model");
  }
  StepRun Evaluate(const std::string& csv, const Json& params = Json::object(),
                   std::uint64_t partitions = 0) {
    return Run("evaluate.classification", params,
               {{"model", model_}, {"data", Csv(csv, partitions)}});
  }
  Artifact model_;
};

TEST_F(UnseenClasses, CountAsErrorsAndAreNamed) {
  const StepRun known = Evaluate(kKnown);
  const StepRun run =
      Evaluate(std::string(kKnown) + "1,maybe,1\n6,maybe,1\n5,later,1\n", Json::object());
  ASSERT_TRUE(run.ok()) << run.Failure();
  const Json& later = run.metrics["per_class"]["later"];
  EXPECT_EQ(later, (Json{{"precision", 0.0}, {"recall", 0.0}, {"f1", 0.0}, {"support", 1.0}}));
  EXPECT_EQ(run.metrics["per_class"]["maybe"]["support"], 2.0);
  EXPECT_EQ(run.metrics["per_class"]["maybe"]["recall"], 0.0);
  EXPECT_NEAR(run.metrics["accuracy"].get<double>(),
              known.metrics["accuracy"].get<double>() * 6 / 9, 1e-12);
  EXPECT_NEAR(run.metrics["recall_macro"].get<double>(),
              known.metrics["recall_macro"].get<double>() / 2, 1e-12);
  EXPECT_EQ(run.metrics["recall"], known.metrics["recall"]) << "of 'yes'";
  EXPECT_LT(run.metrics["precision"], known.metrics["precision"]) << "'maybe' was taken for 'yes'";
  for (const char* figure : {"roc_auc", "average_precision", "log_loss", "brier_score", "lift"}) {
    EXPECT_EQ(run.metrics[figure], known.metrics[figure]) << figure;
  }
  EXPECT_EQ(run.warnings.at(0),
            "3 of 9 rows are of 2 classes that the model has never seen: 'later' (1 row), 'maybe' "
            "(2 rows). They count as errors in every figure that counts decisions; roc_auc, "
            "average_precision, log_loss, brier_score, the curves and the gains are of the other 6 "
            "rows");
  const std::string panels = Bytes(run.outputs.at("report"));
  EXPECT_NE(panels.find(R"("classes":["no","yes","later","maybe"])"), std::string::npos) << panels;
}

TEST_F(UnseenClasses, ScoresAreExactWhateverThePartitions) {
  const std::string csv = std::string(kKnown) + "1,maybe,1\n6,later,1\n2,no,1\n4,yes,1\n";
  const StepRun whole = Evaluate(csv);
  ASSERT_TRUE(whole.ok()) << whole.Failure();
  for (const std::uint64_t partitions : {2U, 7U}) {
    const StepRun run = Evaluate(csv, Json::object(), partitions);
    ASSERT_TRUE(run.ok()) << run.Failure();
    EXPECT_EQ(run.metrics, whole.metrics) << partitions;
    EXPECT_EQ(run.warnings, whole.warnings) << partitions;
  }
}

TEST_F(UnseenClasses, WithoutWeightTheyAreNotThere) {
  const StepRun known = Evaluate(kKnown, {{"weight", "w"}});
  const StepRun run = Evaluate(std::string(kKnown) + "1,maybe,0\n", {{"weight", "w"}});
  ASSERT_TRUE(run.ok()) << run.Failure();
  EXPECT_EQ(run.metrics, known.metrics);
  EXPECT_EQ(run.warnings, known.warnings);
}

TEST_F(UnseenClasses, APositiveClassIsOneOfTheModels) {
  const std::string csv = std::string(kKnown) + "1,maybe,1\n";
  const StepRun first = Evaluate(csv, {{"positive", "no"}});
  ASSERT_TRUE(first.ok()) << first.Failure();
  EXPECT_EQ(first.metrics["per_class"], Evaluate(csv).metrics["per_class"]);
  EXPECT_EQ(first.metrics["recall"], first.metrics["per_class"]["no"]["recall"]);
  EXPECT_NE(Evaluate(csv, {{"positive", "maybe"}}).Failure().find("no class 'maybe'"),
            std::string::npos);
}

TEST_F(UnseenClasses, ATargetWrittenInAnotherWayIsRefused) {
  EXPECT_EQ(Evaluate("x,y\n1,Yes\n2,No\n").Failure(),
            "the model knows none of the classes of 'y', 'No', 'Yes': its classes are 'no', 'yes' "
            "| did you mean 'no'?");
}

TEST_F(UnseenClasses, TooManyAreAnotherTarget) {
  std::string csv = kKnown;
  for (int i = 0; i < 1001; ++i) csv += fmt::format("1,c{},1\n", i);
  EXPECT_EQ(Evaluate(csv).Failure(),
            "'y' has 1001 classes that the model has never seen, and 1000 are the most | evaluate "
            "on rows like those of training, or filter these out");
}

}  // namespace
}  // namespace dml::steps

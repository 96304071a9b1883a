// What an evaluation holds of all rows lies in a file, once it is more than the step may have in
// memory.

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <string>

#include "tests/sanitized.h"
#include "tests/steps/limited_memory.h"
#include "tests/steps/step_lab.h"

namespace dml::steps {
namespace {

constexpr std::int64_t kMebibyte = std::int64_t{1} << 20;

class EvaluationMemory : public StepLab {
 protected:
  // Evaluates a model of the task on so many rows.
  StepRun Evaluate(const std::string& task, int rows) {
    const std::string made = "generate." + task;
    const Json few = {{"n_samples", 1000}, {"n_features", 2}, {"seed", 1}};
    Json many = few;
    many["n_samples"] = rows;
    const bool regression = task == "regression";
    const StepRun trained = Run(regression ? "train.ridge" : "train.logistic_regression",
                                {{"target", regression ? "y" : "class"}},
                                {{"data", Run(made, few).outputs.at("data")}});
    EXPECT_TRUE(trained.ok()) << trained.Failure();
    const Artifact data = Run(made, many).outputs.at("data");
    before_();
    return Run("evaluate." + task, Json::object(),
               {{"model", trained.outputs.at("model")}, {"data", data}});
  }

  std::function<void()> before_ = [] {};
};

TEST_F(EvaluationMemory, AFileGivesTheSameFiguresAsMemory) {
  for (const char* task : {"regression", "classification"}) {
    memory_bytes_ = 0;
    const StepRun in_memory = Evaluate(task, 20'000);
    ASSERT_TRUE(in_memory.ok()) << in_memory.Failure();
    memory_bytes_ = kMebibyte;
    const StepRun in_file = Evaluate(task, 20'000);
    ASSERT_TRUE(in_file.ok()) << in_file.Failure();
    EXPECT_EQ(in_file.metrics, in_memory.metrics);
    EXPECT_EQ(Bytes(in_file.outputs.at("report")), Bytes(in_memory.outputs.at("report")));
  }
}

TEST_F(EvaluationMemory, APredictionBeyondFloat64IsNamedWithItsRow) {
  std::string csv = "x,y\n";
  for (int i = 0; i < 20; ++i) csv += std::to_string(i) + "," + std::to_string(i * i) + "e12\n";
  const StepRun trained = Run("train.ridge", {{"target", "y"}}, {{"data", Csv(csv)}});
  ASSERT_TRUE(trained.ok()) << trained.Failure();
  const StepRun run =
      Run("evaluate.regression", Json::object(),
          {{"model", trained.outputs.at("model")}, {"data", Csv("x,y\n1,2\n1e300,3\n")}});
  ASSERT_FALSE(run.ok());
  EXPECT_NE(run.Failure().find("the prediction inf is not finite"), std::string::npos)
      << run.Failure();
  EXPECT_EQ(run.result.error().where, "row 2");
}

#if !defined(DML_SANITIZED)  // they take memory of their own
TEST_F(EvaluationMemory, IsBoundedByTheBudgetOfTheStep) {
  // 600,000 rows of 56 bytes and more, in 24 MiB.
  memory_bytes_ = 16 * kMebibyte;
  before_ = [] { LimitMemory(24 * kMebibyte); };
  const pid_t child = ::fork();
  if (child == 0) {
    const StepRun run = Evaluate("classification", 600'000);
    ::_exit(run.ok() && run.metrics["roc_auc"].get<double>() > 0.5 ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}

// 1,000 rows of 100,000 hashed terms would be 800 MB if all of them stood in the plot of the
// report.
TEST_F(EvaluationMemory, OfClustersDoesNotGrowWithThePlot) {
  std::string csv = "text\n";
  for (int i = 0; i < 1000; ++i) csv += fmt::format("word{} word{} word{}\n", i, i * 7, i % 9);
  const Artifact data = Csv(csv);
  const Json hashed = {
      {"n_clusters", 2},
      {"preprocess",
       Json::array({{{"hashing", {{"columns", {"text"}}, {"n_features", 100'000}}}}})}};
  const StepRun trained = Run("train.kmeans", hashed, {{"data", data}});
  ASSERT_TRUE(trained.ok()) << trained.Failure();
  const pid_t child = ::fork();
  if (child == 0) {
    LimitMemory(600 * kMebibyte);
    const StepRun run = Run("evaluate.clustering", {{"silhouette_rows", 20}},
                            {{"model", trained.outputs.at("model")}, {"data", data}});
    ::_exit(run.ok() ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}
#endif

}  // namespace
}  // namespace dml::steps

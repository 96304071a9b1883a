#include "pipelines/expand/deferred.h"

#include <gtest/gtest.h>

#include "tests/pipelines/test_catalog.h"

namespace dml::pipelines {
namespace {

using testing::Task;
using testing::TestWorld;

const char* const kPipeline = R"(
steps:
  - {id: best, uses: test.echo}
  - id: m
    uses: train.logistic_regression
    input: best
    with: {target: y, C: "${steps.best.metrics.C}", max_iter: "${steps.best.metrics.n}"}
  - id: say
    run: [echo, "C=${steps.best.metrics.C} $${HOME}", "${env.TOKEN}"]
    env: {SQL: "${file:q.sql}"}
)";

LoadedPipeline Load() {
  TestWorld world;
  world.env["TOKEN"] = "s3cret";
  world.files["/project/q.sql"] = "select 1\n";
  LoadedPipeline loaded = world.Load(kPipeline);
  EXPECT_TRUE(loaded.ok()) << RenderText(loaded.diagnostics);
  return loaded;
}

DeferredSources Sources(Json metrics) {
  DeferredSources out;
  out.metrics = [metrics = std::move(metrics)](const MetricReference& r) -> std::optional<Json> {
    const auto found = metrics.find(r.path);
    return found == metrics.end() ? std::nullopt : std::optional<Json>(*found);
  };
  out.env = [](const std::string&) { return std::optional<std::string>("s3cret"); };
  out.read_file = [](const std::string&) -> Result<std::string> { return std::string("hush\n"); };
  return out;
}

TEST(Deferred, FillsParametersWithTheirType) {
  const LoadedPipeline loaded = Load();
  const auto filled = FillDeferred(Task(loaded.pipeline, "m"), Sources({{"C", 2}, {"n", 50.0}}));
  ASSERT_TRUE(filled.ok()) << filled.error().Render();
  const Json& params = std::get<NativeWork>(filled->work).params;
  EXPECT_EQ(params["C"], Json(2.0));
  EXPECT_TRUE(params["C"].is_number_float());
  EXPECT_EQ(params["max_iter"], Json(50));
  EXPECT_TRUE(params["max_iter"].is_number_integer());
}

TEST(Deferred, ChecksTheValueAgainstTheParameter) {
  const LoadedPipeline loaded = Load();
  const auto filled = FillDeferred(Task(loaded.pipeline, "m"), Sources({{"C", -1}, {"n", 5}}));
  ASSERT_FALSE(filled.ok());
  EXPECT_EQ(filled.error().message,
            "the value of ${steps.best.metrics.C}: 'C' is out of range: it must be a number > 0, "
            "found -1");
  EXPECT_EQ(filled.error().where, "/project/p.yaml:4:5");
}

TEST(Deferred, AMissingMetricNamesStepAndMetric) {
  const LoadedPipeline loaded = Load();
  const auto filled = FillDeferred(Task(loaded.pipeline, "m"), Sources({{"C", 1}}));
  ASSERT_FALSE(filled.ok());
  EXPECT_EQ(filled.error().message, "step 'best' reported no metric 'n'");
}

TEST(Deferred, SecretsAppearOnlyInTheFilledTask) {
  const LoadedPipeline loaded = Load();
  const TaskDecl& task = Task(loaded.pipeline, "say");
  EXPECT_EQ(std::get<CommandWork>(task.work).argv[2], "${env.TOKEN}");
  const auto filled = FillDeferred(task, Sources({{"C", 0.5}}));
  ASSERT_TRUE(filled.ok()) << filled.error().Render();
  const auto& command = std::get<CommandWork>(filled->work);
  EXPECT_EQ(command.argv[1], "C=0.5 ${HOME}");
  EXPECT_EQ(command.argv[2], "s3cret");
  EXPECT_EQ(filled->env.at("SQL"), "hush");
  EXPECT_EQ(filled->secrets, (std::vector<std::string>{"s3cret", "hush"}));
}

}  // namespace
}  // namespace dml::pipelines

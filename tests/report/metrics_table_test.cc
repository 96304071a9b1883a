#include "orchestrator/report/metrics_table.h"

#include <gtest/gtest.h>

namespace dml::report {
namespace {

using Flat = std::vector<std::pair<std::string, double>>;

RunFacts RunWith(std::vector<std::pair<std::string, Json>> tasks) {
  RunFacts run;
  for (auto& [name, metrics] : tasks) {
    TaskFacts& task = run.tasks.emplace_back();
    task.name = name;
    task.step = name.substr(0, name.find('@'));
    task.metrics = std::move(metrics);
  }
  return run;
}

TEST(FlattenMetrics, NamesNestedNumbersByPath) {
  EXPECT_EQ(FlattenMetrics({{"b", 2}, {"a", {{"z", 1.5}, {"y", {{"x", 3}}}}}}),
            (Flat{{"a.y.x", 3}, {"a.z", 1.5}, {"b", 2}}));
  EXPECT_EQ(FlattenMetrics({{"text", "x"}, {"list", {1, 2}}, {"none", nullptr}}), Flat{});
  EXPECT_EQ(FlattenMetrics(Json()), Flat{});
}

TEST(MetricsTables, PutsTheTasksOfAStepBesideEachOther) {
  const auto tables = MetricsTables(RunWith({{"load", Json::object()},
                                             {"model@C=1", {{"auc", 0.7}}},
                                             {"model@C=2", {{"auc", 0.8}, {"n", 3}}},
                                             {"eval", {{"f1", 0.5}}}}));
  ASSERT_EQ(tables.size(), 2U);
  EXPECT_EQ(tables[0].title, "model");
  EXPECT_EQ(tables[0].metrics, (std::vector<std::string>{"auc", "n"}));
  ASSERT_EQ(tables[0].rows.size(), 2U);
  EXPECT_EQ(tables[0].rows[0].values[1], std::nullopt);
  EXPECT_EQ(tables[0].rows[1].values[1], 3);
  EXPECT_EQ(tables[1].title, "eval");
}

TEST(MetricsTables, EvaluationsOfOneTypeShareATable) {
  RunFacts run =
      RunWith({{"eval", {{"auc", 0.7}, {"lift", {{"top", 2}}}}}, {"eval_forest", {{"auc", 0.8}}}});
  for (TaskFacts& task : run.tasks) task.type = "evaluate.classification";
  const auto tables = MetricsTables(run);
  ASSERT_EQ(tables.size(), 1U);
  EXPECT_EQ(tables[0].title, "evaluate.classification");
  EXPECT_EQ(tables[0].rows.size(), 2U);
  EXPECT_EQ(tables[0].metrics, std::vector<std::string>{"auc"}) << "details are left out";
}

TEST(DiffMetrics, MatchesByTaskAndPath) {
  const auto changes = DiffMetrics(RunWith({{"eval", {{"f1", 0.5}, {"gone", 1}}}}),
                                   RunWith({{"eval", {{"f1", 0.6}, {"new", 2}}}}));
  ASSERT_EQ(changes.size(), 3U);
  EXPECT_EQ(changes[0].metric, "f1");
  EXPECT_EQ(changes[0].before, 0.5);
  EXPECT_EQ(changes[0].after, 0.6);
  EXPECT_TRUE(changes[0].changed());
  EXPECT_EQ(changes[1].metric, "new");
  EXPECT_EQ(changes[1].before, std::nullopt);
  EXPECT_EQ(changes[2].metric, "gone");
  EXPECT_EQ(changes[2].after, std::nullopt);
}

}  // namespace
}  // namespace dml::report

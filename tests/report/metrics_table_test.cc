#include "orchestrator/report/metrics_table.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "orchestrator/report/metrics_text.h"
#include "orchestrator/report/text_table.h"

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

TEST(MetricsText, SaysWhatWasChosenAlsoIfItIsNoNumber) {
  RunFacts run = RunWith(
      {{"best",
        {{"score", 0.75},
         {"params",
          {{"C", 10}, {"penalty", "l1"}, {"max_depth", nullptr}, {"fit_intercept", false}}}}},
       {"other", {{"score", 0.5}, {"note", "text"}}}});
  for (TaskFacts& task : run.tasks) task.type = "select.best";
  EXPECT_EQ(
      MetricsText(run, 100),
      "select.best  params.C  params.fit_intercept  params.max_depth  params.penalty   score\n"
      "best               10                 false              null              l1  0.7500\n"
      "other               -                     -                 -               -  0.5000\n");
}

std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = text.find('\n', begin);
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

// Many metrics of many tasks on a narrow terminal.
TEST(MetricsTableText, ComesInPiecesRatherThanCutNames) {
  MetricsTable table;
  table.title = "model";
  for (int m = 0; m < 12; ++m) table.metrics.push_back("cv.some_metric_" + std::to_string(m));
  for (int r = 0; r < 9; ++r) {
    MetricsTable::Row& row = table.rows.emplace_back();
    row.task = "model@max_depth=12,min_samples_leaf=" + std::to_string(r);
    for (int m = 0; m < 12; ++m) row.values.push_back(100 * r + m);
  }
  const std::string narrow = MetricsTableText(table, 80);
  std::size_t widest = 0;
  for (const std::string& line : Lines(narrow)) widest = std::max(widest, line.size());
  EXPECT_LE(widest, 80U);
  EXPECT_EQ(narrow.find("\xE2\x80\xA6"), std::string::npos) << "something is cut:\n" << narrow;
  for (const std::string& metric : table.metrics) {
    EXPECT_NE(narrow.find(metric), std::string::npos) << metric;
  }
  const auto lines = Lines(narrow);
  EXPECT_EQ(
      std::ranges::count_if(
          lines, [&](const std::string& line) { return line.starts_with(table.rows[3].task); }),
      6)
      << "twelve metrics, two beside each other:\n"
      << narrow;
  EXPECT_EQ(Lines(MetricsTableText(table, 1'000'000)).size(), 10U) << "a file has room";
}

// One column of long names, wider than any terminal, stays whole too.
TEST(MetricsTableText, KeepsLongNamesApart) {
  MetricsTable table;
  table.title = "model";
  table.metrics = {"f1"};
  for (const char* end : {"a", "b"}) {
    table.rows.push_back({"model@" + std::string(90, 'x') + end, {0.5}});
  }
  const std::string text = MetricsTableText(table, 80);
  for (const MetricsTable::Row& row : table.rows) {
    EXPECT_NE(text.find(row.task), std::string::npos) << text;
  }
}

// What an evaluation of classes measured by class stands below, a table a task.
TEST(MetricsText, HasTheFiguresOfEveryClass) {
  const auto figures = [](double f1, double support) {
    return Json{{"precision", 0.5}, {"recall", 1.0 / 3}, {"f1", f1}, {"support", support}};
  };
  RunFacts run =
      RunWith({{"eval",
                {{"accuracy", 0.8},
                 {"per_class",
                  {{"10", figures(0.25, 6000)}, {"9", figures(0.75, 12)}, {"-1", figures(0, 0)}}}}},
               {"ridge", {{"r2", 0.8}}}});
  run.tasks[0].type = "evaluate.classification";
  EXPECT_EQ(MetricsText(run, 80),
            "eval  accuracy\n"
            "eval    0.8000\n"
            "\n"
            "ridge      r2\n"
            "ridge  0.8000\n"
            "\n"
            "eval by class  precision  recall      f1  support\n"
            "-1                0.5000  0.3333       0        0\n"
            "9                 0.5000  0.3333  0.7500       12\n"
            "10                0.5000  0.3333  0.2500     6000\n");
}

TEST(MetricsText, CutsLongNamesOfClassesOnANarrowTerminal) {
  RunFacts run = RunWith({{"eval", {{"per_class", Json::object()}}}});
  run.tasks[0].type = "evaluate.classification";
  for (const char* name : {"of a certain age, and\nmarried", "young"}) {
    run.tasks[0].metrics["per_class"][name] = {
        {"precision", 0.5}, {"recall", 0.5}, {"f1", 0.5}, {"support", 20}};
  }
  const auto lines = Lines(MetricsText(run, 50));
  ASSERT_EQ(lines.size(), 3U) << "a line a class";
  for (const std::string& line : lines) EXPECT_LE(DisplayWidth(line), 50U) << line;
  EXPECT_TRUE(lines[1].starts_with("of a certain"));
  EXPECT_TRUE(lines[2].ends_with("0.5000  0.5000  0.5000       20")) << lines[2];
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

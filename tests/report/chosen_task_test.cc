#include "orchestrator/report/chosen_task.h"

#include <gtest/gtest.h>

namespace dml::report {
namespace {

TEST(ChosenTask, IsWhatTheNumberOfTheBestStandsFor) {
  RunFacts run;
  for (const char* name : {"lr@C=1", "forest", "best"}) run.tasks.emplace_back().name = name;
  TaskFacts& best = run.tasks[2];
  best.type = "select.best";
  best.metrics = {{"best", 1}, {"score", 0.9}};
  EXPECT_EQ(ChoicesText(run), "") << "nobody knows what it read";
  best.inputs = {1, 0};  // as `input: [forest, lr]`
  EXPECT_EQ(ChosenTask(run, best), "forest");
  EXPECT_EQ(ChoicesText(run), "best kept forest\n");
  best.metrics["best"] = 3;
  EXPECT_EQ(ChosenTask(run, best), "");
  best.metrics = nullptr;
  EXPECT_EQ(ChosenTask(run, best), "");
}

TEST(ChosenTask, OtherStepsChooseNothing) {
  RunFacts run;
  TaskFacts& task = run.tasks.emplace_back();
  task.type = "evaluate.classification";
  task.metrics = {{"best", 1}};
  task.inputs = {0};
  EXPECT_EQ(ChosenTask(run, task), "");
}

}  // namespace
}  // namespace dml::report

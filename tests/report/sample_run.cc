#include "tests/report/sample_run.h"

#include <cmath>

#include "base/random.h"
#include "plugins/api/panel.h"

namespace dml::report {

namespace {

constexpr std::int64_t kStart = 1'795'226'400'000'000;

TaskFacts Ran(const char* name, const char* step, const char* type, double from, double to,
              std::vector<std::size_t> producers) {
  TaskFacts task;
  task.name = name;
  task.step = step;
  task.type = type;
  task.state = "succeeded";
  task.reason = "not run before";
  task.producers = std::move(producers);
  task.attempts = {{1,
                    {kStart + static_cast<std::int64_t>(from * 1e6)},
                    {kStart + static_cast<std::int64_t>(to * 1e6)},
                    "succeeded"}};
  task.cpu_seconds = to - from;
  task.memory_bytes_max = static_cast<std::int64_t>(80e6 + 30e6 * to);
  return task;
}

std::vector<Json> EvaluationPanels() {
  plugins::Series roc{"model C=0.1", {}, {}};
  plugins::Series recall{"", {}, {}};
  for (int i = 0; i <= 2000; ++i) {
    const double t = i / 2000.0;
    roc.x.push_back(t);
    roc.y.push_back(std::pow(t, 0.36));
    recall.x.push_back(t);
    recall.y.push_back(0.22 + 0.6 * std::exp(-2.4 * t));
  }
  const Philox random(7, "sample");
  plugins::Series first{"cluster 0", {}, {}};
  plugins::Series second{"cluster <1>", {}, {}};
  for (std::uint64_t i = 0; i < 400; ++i) {
    first.x.push_back(random.Normal(i, 0) - 1.5);
    first.y.push_back(random.Normal(i, 1));
    second.x.push_back(random.Normal(i, 2) * 0.7 + 1.8);
    second.y.push_back(random.Normal(i, 3) * 0.7 + 1.2);
  }
  return {
      plugins::LinesPanel("ROC curve", "false positive rate", "true positive rate",
                          {roc, {"chance", {0, 1}, {0, 1}}}),
      plugins::LinesPanel("Precision-recall curve", "recall", "precision", {recall}),
      plugins::ConfusionPanel("Confusion matrix", {"<paid>", "default"}, {{4512, 160}, {842, 486}}),
      plugins::BarsPanel("Weights", {"PAY_0", "LIMIT_BAL", "<script>alert(1)</script>", "AGE"},
                         {0.611, -0.214, 0.102, 0.044}),
      plugins::ScatterPanel("Clusters", "component 1", "component 2", {first, second}),
      plugins::TablePanel("Per class", {"class", "precision", "recall"},
                          {{"0", 0.8427, 0.9658}, {"1 & 2", 0.7523, 0.366}}),
      plugins::NotesPanel(
          "Certificates", "good",
          {"converged after 14 iterations: |gradient| 3.1e-07", "condition estimate 812"}),
      plugins::NotesPanel("Look at", "warning", {"EDUCATION has 3 undocumented levels"})};
}

void AddModels(RunFacts& run) {
  const char* values[] = {"0.01", "0.1", "1", "10"};
  for (int i = 0; i < 4; ++i) {
    const std::string name = std::string("model@C=") + values[i];
    TaskFacts task = Ran(name.c_str(), "model", "train.logistic_regression", 1.0 + i / 2 * 1.3,
                         2.2 + i / 2 * 1.3, {1});
    task.metrics = {{"cv", {{"roc_auc", 0.7012 + 0.007 * i}, {"std", 0.0041}}},
                    {"iterations", 12 + i}};
    run.tasks.push_back(std::move(task));
  }
  run.tasks[3].attempts[0].ended.us -= 900'000;
  run.tasks[3].attempts[0].outcome = "failed";
  run.tasks[3].attempts.push_back({2, {kStart + 1'600'000}, {kStart + 2'900'000}, "succeeded"});
}

}  // namespace

RunFacts SampleRun() {
  RunFacts run;
  run.id = "r12";
  run.pipeline = "credit-risk <b>&amp; co</b>";
  run.file = "/home/ada/credit/pipeline.yaml";
  run.state = "failed";
  run.started = {kStart};
  run.ended = {kStart + 5'140'000};
  run.params = {{"seed", 42}, {"folds", 5}};
  run.pipeline_text =
      "name: credit-risk\nsteps:\n  - id: raw\n    uses: load.csv # </pre><script>\n";
  run.environment = {{"dml", "0.1.0"}, {"cpu", "a processor, 2 cores"}, {"arithmetic", "fma"}};
  run.tasks.push_back(Ran("raw", "raw", "load.csv", 0.02, 0.31, {}));
  run.tasks.push_back(Ran("split", "split", "split.train_test", 0.33, 0.92, {0}));
  AddModels(run);
  run.tasks.push_back(Ran("best", "best", "select.best", 3.6, 3.63, {2, 3, 4, 5}));
  run.tasks.push_back(Ran("eval", "eval", "evaluate.classification", 3.64, 4.41, {6, 1}));
  run.tasks.push_back(Ran("export", "export", "run", 3.64, 5.1, {6}));
  run.tasks[0].state = "reused";
  run.tasks[0].attempts.clear();
  run.tasks[0].reason = "unchanged";
  run.tasks[7].metrics = {{"accuracy", 0.83274}, {"roc_auc", 0.7653},
                          {"log_loss", 0.4311},  {"f1", 0.4934},
                          {"rows", 6000},        {"per_class", {{"1", {{"precision", 0.75}}}}}};
  run.tasks[7].panels = EvaluationPanels();
  run.tasks[7].warnings = {"the classes are unbalanced: 78 % of the rows are <paid>"};
  run.tasks[8].state = "failed";
  run.tasks[8].error = "the command ended with exit code 7\n<img src=x onerror=alert(1)>";
  run.tasks[8].attempts[0].outcome = "failed";
  return run;
}

}  // namespace dml::report

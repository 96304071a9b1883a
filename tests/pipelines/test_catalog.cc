#include "tests/pipelines/test_catalog.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace dml::pipelines::testing {

namespace {

ParamSpec Param(std::string name, ParamType type, std::string doc, Json default_value = {}) {
  ParamSpec spec;
  spec.name = std::move(name);
  spec.type = type;
  spec.doc = std::move(doc);
  spec.default_value = std::move(default_value);
  return spec;
}

ParamSpec Required(ParamSpec spec) {
  spec.required = true;
  return spec;
}

ParamSpec Bounded(ParamSpec spec, double low, double high, bool exclusive = false) {
  spec.minimum = low;
  spec.maximum = high;
  spec.minimum_exclusive = exclusive;
  spec.maximum_exclusive = exclusive;
  return spec;
}

ParamSpec OneOf(ParamSpec spec, std::vector<ParamSpec> alternatives) {
  spec.type = ParamType::kOneOf;
  spec.element = std::move(alternatives);
  return spec;
}

ParamSpec Choice(std::string name, std::vector<std::string> choices, Json default_value = {}) {
  ParamSpec spec =
      Param(std::move(name), ParamType::kEnum, "one of a few", std::move(default_value));
  spec.choices = std::move(choices);
  return spec;
}

ParamSpec ListOf(ParamSpec spec, ParamType element) {
  spec.type = ParamType::kList;
  spec.element.push_back(Param("", element, ""));
  return spec;
}

StepSpec LoadCsv() {
  StepSpec step;
  step.name = "load.csv";
  step.summary = "Reads delimited text";
  step.params = {Required(Param("path", ParamType::kPath, "files to read, globs allowed")),
                 Param("delimiter", ParamType::kString, "field separator", ","),
                 OneOf(Param("partitions", ParamType::kAny, "how many files to write", "auto"),
                       {Choice("", {"auto"}), Bounded(Param("", ParamType::kInt, ""), 1, 1e6),
                        Param("", ParamType::kSize, "")}),
                 ListOf(Param("null_values", ParamType::kList, "words that mean missing"),
                        ParamType::kString)};
  step.outputs = {{"table", PortKind::kTable, true, false, false, "the rows"}};
  return step;
}

// With files that a node may have.
StepSpec ReadAnywhere() {
  StepSpec step;
  step.name = "read.anywhere";
  step.summary = "Reads files of this machine or of a node";
  step.params = {Required(OneOf(Param("path", ParamType::kAny, "a file, or a list"),
                                {Param("", ParamType::kPath, ""),
                                 ListOf(Param("", ParamType::kList, ""), ParamType::kPath)})),
                 Param("comment", ParamType::kString, "text"),
                 Param("at", ParamType::kString, "the node that has the files")};
  step.outputs = {{"table", PortKind::kTable, true, false, false, "the rows"}};
  return step;
}

StepSpec SplitTrainTest() {
  StepSpec step;
  step.name = "split.train_test";
  step.summary = "Splits rows at random";
  step.params = {Bounded(Param("test_size", ParamType::kFloat, "share of test rows", 0.25), 0, 1,
                         /*exclusive=*/true),
                 Param("stratify", ParamType::kColumn, "column whose shares are kept"),
                 Param("seed", ParamType::kInt, "seed of the random numbers", 0)};
  step.inputs = {{"data", PortKind::kTable, true, false, false, "rows to split"}};
  step.outputs = {{"train", PortKind::kTable, true, false, false, "training rows"},
                  {"test", PortKind::kTable, true, false, false, "test rows"}};
  return step;
}

ParamSpec ValidateParam() {
  ParamSpec folds = Param("folds", ParamType::kInt, "number of folds", 5);
  folds.minimum = 2;
  ParamSpec validate = Param("validate", ParamType::kObject, "cross-validation");
  validate.element = {std::move(folds), Choice("scoring", {"roc_auc", "accuracy"}, "accuracy")};
  return validate;
}

StepSpec TrainLogistic() {
  StepSpec step;
  step.name = "train.logistic_regression";
  step.summary = "Logistic regression";
  step.formula = "min_w 0.5 w'w + C sum_i log(1 + exp(-y_i x_i'w))";
  ParamSpec c = Param("C", ParamType::kFloat, "inverse of the strength of the penalty", 1.0);
  c.minimum = 0;
  c.minimum_exclusive = true;
  ParamSpec weights = Param("class_weight", ParamType::kMap, "weight of each class");
  weights.element.push_back(Param("", ParamType::kFloat, ""));
  step.params = {Required(Param("target", ParamType::kColumn, "column to predict")),
                 std::move(c),
                 Choice("solver", {"lbfgs", "newton"}, "lbfgs"),
                 Param("fit_intercept", ParamType::kBool, "learn an intercept", true),
                 Bounded(Param("max_iter", ParamType::kInt, "iterations at most", 100), 1, 1e6),
                 Param("time_limit", ParamType::kDuration, "longest time"),
                 Param("buffer", ParamType::kSize, "memory for tiles", 64 << 20),
                 Param("features", ParamType::kColumns, "columns to learn from", "all"),
                 Param("preprocess", ParamType::kTransforms, "fitted on the training rows"),
                 std::move(weights),
                 ValidateParam()};
  step.inputs = {{"data", PortKind::kTable, true, false, false, "training rows"}};
  step.outputs = {{"model", PortKind::kModel, true, false, false, "the model"}};
  return step;
}

std::vector<StepSpec> SmallSteps() {
  StepSpec best;
  best.name = "select.best";
  best.summary = "Picks the model with the best metric";
  best.params = {Required(Param("metric", ParamType::kString, "such as cv.roc_auc"))};
  best.inputs = {{"models", PortKind::kModel, true, true, false, "candidates"}};
  best.outputs = {{"model", PortKind::kModel, true, false, false, "the best"}};
  StepSpec evaluate;
  evaluate.name = "evaluate.classification";
  evaluate.summary = "Metrics of a classifier";
  evaluate.params = {
      Bounded(Param("threshold", ParamType::kFloat, "of the positive class", 0.5), 0, 1)};
  evaluate.inputs = {{"model", PortKind::kModel, true, false, false, "what to evaluate"},
                     {"data", PortKind::kTable, true, false, false, "held-out rows"}};
  StepSpec write;
  write.name = "write.csv";
  write.summary = "Writes delimited text";
  write.params = {Required(Param("path", ParamType::kOutputPath, "file to write"))};
  write.inputs = {{"data", PortKind::kTable, true, false, false, "rows"}};
  write.cacheable = false;
  StepSpec echo;
  echo.name = "test.echo";
  echo.summary = "Does nothing";
  echo.params = {Param("value", ParamType::kAny, "anything")};
  echo.outputs = {{"table", PortKind::kTable, true, false, false, ""}};
  return {best, evaluate, write, echo};
}

}  // namespace

const StepCatalog& TestCatalog() {
  static const StepCatalog catalog = [] {
    StepCatalog out;
    out.steps = {LoadCsv(), ReadAnywhere(), SplitTrainTest(), TrainLogistic()};
    for (StepSpec& step : SmallSteps()) out.steps.push_back(std::move(step));
    TransformSpec standardize;
    standardize.name = "standardize";
    standardize.summary = "Zero mean, unit variance";
    standardize.params = {Param("columns", ParamType::kColumns, "which columns", "numeric")};
    TransformSpec impute;
    impute.name = "impute";
    impute.summary = "Fills missing values";
    impute.params = {Param("columns", ParamType::kColumns, "which columns", "numeric"),
                     Choice("strategy", {"mean", "median", "constant"}, "mean")};
    out.transforms = {standardize, impute};
    return out;
  }();
  return catalog;
}

LoadedPipeline TestWorld::Load(const std::string& text) const {
  LoadOptions options;
  options.catalog = &TestCatalog();
  options.overrides = overrides;
  options.schedule_time = "2026-11-21T02:00:00Z";
  options.env = [this](const std::string& name) -> std::optional<std::string> {
    const auto found = env.find(name);
    return found == env.end() ? std::nullopt : std::optional(found->second);
  };
  options.read_file = [this, &text](const std::string& path) -> Result<std::string> {
    if (path == "/project/p.yaml") return text;
    const auto found = files.find(path);
    if (found == files.end()) return Error::Environment("cannot open '" + path + "'");
    return found->second;
  };
  return LoadPipeline("/project/p.yaml", options);
}

ExpandedPipeline MustLoad(const std::string& text, const Overrides& overrides) {
  TestWorld world;
  world.overrides = overrides;
  LoadedPipeline loaded = world.Load(text);
  EXPECT_TRUE(loaded.ok()) << RenderText(loaded.diagnostics);
  return std::move(loaded.pipeline);
}

std::string Errors(const std::string& text) {
  return RenderText(TestWorld().Load(text).diagnostics);
}

const TaskDecl& Task(const ExpandedPipeline& pipeline, const std::string& name) {
  for (const TaskDecl& task : pipeline.tasks) {
    if (task.name == name) return task;
  }
  ADD_FAILURE() << "no task " << name;
  std::abort();
}

}  // namespace dml::pipelines::testing

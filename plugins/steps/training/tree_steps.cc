#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "base/quantity.h"
#include "plugins/learn/metrics/metric_registry.h"
#include "plugins/learn/tree/tree_fit.h"
#include "plugins/steps/register.h"
#include "plugins/steps/step_type.h"
#include "plugins/steps/training/class_weight.h"
#include "plugins/steps/training/model_forecast.h"
#include "plugins/steps/training/target.h"
#include "plugins/table/table.h"

namespace dml::steps {

namespace {

using learn::ClassWeighting;
using learn::ModelTask;

// Whole numbers with more values are measurements.
constexpr std::size_t kWholeNumbersMax = 20;

// Where a tree here is not scikit-learn's.
constexpr std::string_view kThresholds =
    "every value is tried in nodes below 512 rows; in larger ones 255 quantiles choose the "
    "feature, then every value around the best; every value of a feature is tried there too if the "
    "target follows a pattern of it that quantiles hide, which is looked for once in all rows, and "
    "in each node where no quantile gains more than chance; beyond 65,000 distinct values of a "
    "feature, neighbours count as one";

enum class TreeTask { kAuto, kClassification, kRegression };

struct TreeParams : TrainingParams {
  TreeTask task = TreeTask::kAuto;
  Json criterion;
  std::optional<int> max_depth;
  int min_samples_split = 2;
  int min_samples_leaf = 1;
  Json max_features;
  std::optional<int> max_leaf_nodes;
  double min_impurity_decrease = 0.0;
  std::optional<double> ccp_alpha;
  Json class_weight = "none";
  std::uint64_t seed = 0;
};

struct ForestParams : TreeParams {
  int n_estimators = 100;
  bool bootstrap = true;
  Json max_samples;
  bool oob_score = false;
};

// `auto`: labels are classes, fractions are not, and whole numbers are classes while there are few.
Result<ModelTask> TaskOf(const TreeParams& params, plugins::StepContext& context) {
  if (params.task == TreeTask::kClassification) return ModelTask::kClassification;
  if (params.task == TreeTask::kRegression) return ModelTask::kRegression;
  DML_TRY(const Artifact* input, context.Input("data"));
  DML_TRY(const table::Table table, table::Table::Open(input->files));
  DML_TRY(const std::size_t index, table.schema().Find(params.target.name));
  const table::ColumnType type = table.schema().fields[index].type;
  if (IsLabelType(type)) return ModelTask::kClassification;
  if (type != table::ColumnType::kInt64) return ModelTask::kRegression;
  std::set<std::int64_t> values;
  for (std::size_t p = 0; p < table.partition_count() && values.size() <= kWholeNumbersMax; ++p) {
    DML_TRY(const table::Batch batch, table.Read(p, {params.target.name}));
    for (const std::int64_t value : batch.columns[0].int64()) {
      if (values.insert(value).second && values.size() > kWholeNumbersMax) break;
    }
  }
  const bool classes = values.size() <= kWholeNumbersMax;
  if (context.monitor != nullptr) {
    context.monitor->Log(
        fmt::format("task auto: '{}' holds whole numbers with {} distinct value{}, so this is {}",
                    params.target.name, classes ? std::to_string(values.size()) : "more than 20",
                    values.size() == 1 ? "" : "s", classes ? "classification" : "regression"));
  }
  return classes ? ModelTask::kClassification : ModelTask::kRegression;
}

Error CriterionError(const std::string& name, bool regression) {
  return Error::Invalid(
      fmt::format("criterion: {} does not fit a {} target", name, regression ? "numeric" : "class"),
      "gini and entropy are for classes, squared_error is for numbers");
}

// Of what is given by label the weights are not known yet; a reference is not known either.
ClassWeighting WeightingOf(const Json& class_weight) {
  if (class_weight.is_object()) return ClassWeighting::kGiven;
  if (class_weight == "balanced") return ClassWeighting::kBalanced;
  if (class_weight == "balanced_subsample") return ClassWeighting::kBalancedSubsample;
  return ClassWeighting::kNone;
}

Error ClassWeightError(const Json& class_weight) {
  return Error::Invalid(
      fmt::format("class_weight: {} does not fit a numeric target",
                  class_weight.is_string() ? class_weight.get<std::string>() : "a mapping"),
      "leave class_weight out");
}

// The task of which all these scores are, if there is but one.
std::optional<ModelTask> TaskOfScores(const Json& scoring) {
  bool classes = scoring.is_array() && !scoring.empty();
  bool numbers = classes;
  for (const Json& name : scoring) {
    const std::string text = name.is_string() ? name.get<std::string>() : std::string();
    classes = classes && learn::FindScorer(text, ModelTask::kClassification).ok();
    numbers = numbers && learn::FindScorer(text, ModelTask::kRegression).ok();
  }
  if (classes == numbers) return std::nullopt;
  return classes ? ModelTask::kClassification : ModelTask::kRegression;
}

// What the parameters alone say of the task: given itself, or by what goes with one task only, so
// that with another target the step fails.
std::optional<ModelTask> HintOf(const Json& params) {
  const auto text = [&](const char* name) {
    const auto found = params.find(name);
    return found != params.end() && found->is_string() ? found->get<std::string>() : std::string();
  };
  const auto task = params.find("task");
  if (task != params.end() && !task->is_string()) return std::nullopt;
  if (text("task") == "classification") return ModelTask::kClassification;
  if (text("task") == "regression") return ModelTask::kRegression;
  if (text("criterion") == "squared_error") return ModelTask::kRegression;
  if (!text("criterion").empty()) return ModelTask::kClassification;
  const auto class_weight = params.find("class_weight");
  if (class_weight != params.end() && WeightingOf(*class_weight) != ClassWeighting::kNone) {
    return ModelTask::kClassification;
  }
  const auto validate = params.find("validate");
  if (validate == params.end() || !validate->is_object()) return std::nullopt;
  return TaskOfScores(validate->value("scoring", Json()));
}

std::optional<ModelTask> TaskGiven(TreeTask task) {
  if (task == TreeTask::kAuto) return std::nullopt;
  return task == TreeTask::kRegression ? ModelTask::kRegression : ModelTask::kClassification;
}

void CheckTree(const TreeParams& params, plugins::Problems& problems) {
  const std::optional<ModelTask> task = TaskGiven(params.task);
  CheckScoring(params, task, problems);
  const std::string criterion =
      params.criterion.is_string() ? params.criterion.get<std::string>() : std::string();
  if (!criterion.empty() && task) {
    const bool regression = *task == ModelTask::kRegression;
    if ((criterion == "squared_error") != regression) {
      problems.Add("/criterion", CriterionError(criterion, regression));
    }
  }
  const bool numbers = task == ModelTask::kRegression || (!task && criterion == "squared_error");
  if (numbers && WeightingOf(params.class_weight) != ClassWeighting::kNone) {
    problems.Add("/class_weight", ClassWeightError(params.class_weight));
  }
}

void CheckForest(const ForestParams& params, plugins::Problems& problems) {
  CheckTree(params, problems);
  if (!params.max_samples.is_null() && !params.bootstrap) {
    problems.Add("/max_samples",
                 "max_samples needs bootstrap: true: without it a tree sees all rows",
                 "leave out bootstrap, or max_samples");
  }
  if (!params.oob_score || params.bootstrap) return;
  problems.Add("/oob_score", "oob_score needs bootstrap: true: without it no row is out of the bag",
               "leave out bootstrap, or oob_score");
}

// With the weights of these classes.
Result<learn::TreeOptions> WeighedBy(const Json& class_weight, const ClassNames& classes,
                                     learn::TreeOptions options) {
  if (options.class_weight == ClassWeighting::kGiven) {
    DML_TRY(options.class_weights, GivenClassWeights(class_weight, classes));
  }
  return options;
}

Result<learn::TreeOptions> TreeOptionsOf(const TreeParams& params, ModelTask task) {
  learn::TreeOptions options;
  options.max_depth = params.max_depth;
  options.min_samples_split = params.min_samples_split;
  options.min_samples_leaf = params.min_samples_leaf;
  options.max_leaf_nodes = params.max_leaf_nodes;
  options.min_impurity_decrease = params.min_impurity_decrease;
  options.ccp_alpha = params.ccp_alpha.value_or(0.0);
  options.seed = params.seed;
  if (!params.max_features.is_null()) {
    const std::string text = params.max_features.is_string()
                                 ? params.max_features.get<std::string>()
                                 : params.max_features.dump();
    DML_TRY(options.max_features, learn::MaxFeatures::Parse(text));
  }
  const bool regression = task == ModelTask::kRegression;
  if (!params.criterion.is_null()) {
    const auto name = params.criterion.get<std::string>();
    if ((name == "squared_error") != regression) return CriterionError(name, regression);
    options.criterion = name == "gini"      ? learn::SplitCriterion::kGini
                        : name == "entropy" ? learn::SplitCriterion::kEntropy
                                            : learn::SplitCriterion::kSquaredError;
  }
  options.class_weight = WeightingOf(params.class_weight);
  if (regression && options.class_weight != ClassWeighting::kNone) {
    return ClassWeightError(params.class_weight);
  }
  return options;
}

// As tree_fit.h states it.
auto BytesOf(ModelTask task, int trees_at_once) {
  const std::uint64_t row = task == ModelTask::kRegression ? 32 : 28;
  const std::uint64_t row_of_tree = task == ModelTask::kRegression ? 68 : 52;
  return [=](std::uint64_t rows, std::size_t features) {
    return rows * (3 * features + row + row_of_tree * static_cast<std::uint64_t>(trees_at_once));
  };
}

// To trees a cell is a byte, whatever it holds: of sparse features too. Where those alone do not
// fit, nothing is begun.
Result<void> RequireRoomForCells(const learn::DataSource& source, std::int64_t memory_bytes) {
  const std::size_t features = source.feature_names().size();
  const double cells = static_cast<double>(source.rows()) * static_cast<double>(features);
  if (memory_bytes <= 0 || cells <= static_cast<double>(memory_bytes)) return {};
  return Error::Invalid(
      fmt::format("trees need a byte for each of {} features in each of {} rows, which is {}, and "
                  "there are {}",
                  features, source.rows(),
                  FormatSize(static_cast<std::int64_t>(std::min(cells, 9e18))),
                  FormatSize(memory_bytes)),
      "make fewer features: min_frequency of one_hot, min_df or max_features of a vectorizer; or "
      "train a linear model, which takes sparse features as they are; or give the step more memory "
      "with resources: {memory: ...}");
}

Result<void> TrainTree(const TreeParams& params, plugins::StepContext& context) {
  DML_TRY(const ModelTask task, TaskOf(params, context));
  DML_TRY(const learn::TreeOptions options, TreeOptionsOf(params, task));
  const auto fit = [&](const learn::DataSource& source, const ClassNames& classes,
                       const learn::Execution& execution) -> Result<learn::FitResult> {
    DML_RETURN_IF_ERROR(RequireRoomForCells(source, context.memory_bytes));
    DML_TRY(const learn::TreeOptions weighed, WeighedBy(params.class_weight, classes, options));
    return learn::FitDecisionTree(source, classes.size(), weighed, execution);
  };
  return Train(params, {task, true, fit, BytesOf(task, 1)}, context);
}

Result<void> TrainForest(const ForestParams& params, plugins::StepContext& context) {
  DML_TRY(const ModelTask task, TaskOf(params, context));
  learn::ForestOptions options;
  DML_TRY(options.tree, TreeOptionsOf(params, task));
  options.n_estimators = params.n_estimators;
  options.bootstrap = params.bootstrap;
  options.oob_score = params.oob_score;
  options.memory_bytes = context.memory_bytes;
  if (!params.max_samples.is_null()) {
    using Kind = learn::MaxSamples::Kind;
    options.max_samples = {params.max_samples.is_number_float() ? Kind::kShare : Kind::kCount,
                           params.max_samples.get<double>()};
  }
  const auto fit = [&](const learn::DataSource& source, const ClassNames& classes,
                       const learn::Execution& execution) -> Result<learn::FitResult> {
    DML_RETURN_IF_ERROR(RequireRoomForCells(source, context.memory_bytes));
    DML_TRY(options.tree, WeighedBy(params.class_weight, classes, options.tree));
    return learn::FitRandomForest(source, classes.size(), options, execution);
  };
  return Train(params,
               {task, true, fit, BytesOf(task, std::min(params.n_estimators, context.threads))},
               context);
}

// sqrt | log2 | all | a number of features | a share of them.
ParamSpec MaxFeaturesSpec() {
  ParamSpec name;
  name.type = ParamType::kEnum;
  name.choices = {"sqrt", "log2", "all"};
  ParamSpec spec = plugins::CountOrShareSpec();
  spec.element.back().maximum_exclusive = false;
  spec.element.insert(spec.element.begin(), name);
  return spec;
}

// A number of rows, or a share of them.
ParamSpec MaxSamplesSpec() {
  ParamSpec spec = plugins::CountOrShareSpec();
  spec.element.back().maximum_exclusive = false;
  return spec;
}

ParamSpec CriterionSpec() {
  ParamSpec spec;
  spec.type = ParamType::kEnum;
  spec.choices = {"gini", "entropy", "squared_error"};
  return spec;
}

template <typename Params>
void AddTreeParams(plugins::ParamSchema<Params>& schema, std::vector<std::string> class_weights) {
  schema
      .AddEnum("task", static_cast<TreeTask Params::*>(&TreeParams::task),
               {{"auto", TreeTask::kAuto},
                {"classification", TreeTask::kClassification},
                {"regression", TreeTask::kRegression}},
               "what the target is; auto: text and up to 20 distinct whole numbers are classes")
      .AddJson("criterion", static_cast<Json Params::*>(&TreeParams::criterion), CriterionSpec(),
               "what a split lowers; gini for classes and squared_error for numbers by default")
      .Add("max_depth", static_cast<std::optional<int> Params::*>(&TreeParams::max_depth),
           "depth of a tree at most; none by default")
      .AtLeast(1)
      .Add("min_samples_split", static_cast<int Params::*>(&TreeParams::min_samples_split),
           "rows that a split needs")
      .AtLeast(2)
      .Add("min_samples_leaf", static_cast<int Params::*>(&TreeParams::min_samples_leaf),
           "rows that a leaf needs")
      .AtLeast(1)
      .AddJson("max_features", static_cast<Json Params::*>(&TreeParams::max_features),
               MaxFeaturesSpec(),
               "features a split may choose from: sqrt, log2, all, a number or a share; "
               "all by default, and sqrt in a classification forest")
      .Add("max_leaf_nodes", static_cast<std::optional<int> Params::*>(&TreeParams::max_leaf_nodes),
           "leaves at most; none by default")
      .AtLeast(2)
      .Add("min_impurity_decrease",
           static_cast<double Params::*>(&TreeParams::min_impurity_decrease),
           "gain that a split needs")
      .AtLeast(0)
      .Add("ccp_alpha", static_cast<std::optional<double> Params::*>(&TreeParams::ccp_alpha),
           "prune the grown tree: what a leaf costs, in units of the criterion; 0 by default, "
           "which prunes nothing")
      .AtLeast(0)
      .AddJson("class_weight", static_cast<Json Params::*>(&TreeParams::class_weight),
               ClassWeightSpec(std::move(class_weights)), kClassWeightDoc)
      .Add("seed", static_cast<std::uint64_t Params::*>(&TreeParams::seed),
           "seed of samples and features");
}

std::vector<MetricSpec> TreeMetrics() {
  return {{"nodes", "nodes of all trees"},
          {"leaves", "leaves of all trees"},
          {"depth", "depth of the deepest tree"},
          {"features_split_at_quantiles", "features of too many values to try them all"}};
}

std::vector<MetricSpec> ForestMetrics() {
  std::vector<MetricSpec> metrics = TreeMetrics();
  metrics.push_back({"oob_score", "accuracy or r2 on rows that a tree did not see", "oob_score"});
  metrics.push_back({"rows_without_oob", "rows that every tree has seen, if any", "oob_score"});
  return metrics;
}

}  // namespace

void RegisterTreeSteps(plugins::StepRegistry& registry) {
  plugins::ParamSchema<TreeParams> tree;
  AddTreeParams(tree, {"none", "balanced"});
  StepSpec one =
      TrainingSpec("train.decision_tree", "One tree of questions; takes missing values",
                   "each split: min sum_child (n_child / n) impurity(child); gini 1 - sum_k p_k^2, "
                   "entropy -sum_k p_k log2 p_k, squared_error mean (y - mean y)^2; " +
                       std::string(kThresholds));
  one.algorithm_version = 5;
  DeclareModel(one, HintOf, Supervised::kYes, TreeMetrics());
  registry.Add(MakeStepType(std::move(one), WithTraining(tree, true).Check(CheckTree), TrainTree));
  plugins::ParamSchema<ForestParams> forest;
  forest.Add("n_estimators", &ForestParams::n_estimators, "number of trees")
      .AtLeast(1)
      .Add("bootstrap", &ForestParams::bootstrap, "each tree sees a bootstrap sample")
      .AddJson("max_samples", &ForestParams::max_samples, MaxSamplesSpec(),
               "rows that a bootstrap sample draws: a number, or a share of all; all by default")
      .Add("oob_score", &ForestParams::oob_score, "score on the rows that a tree did not see");
  AddTreeParams(forest, {"none", "balanced", "balanced_subsample"});
  StepSpec many = TrainingSpec(
      "train.random_forest", "Averaged decision trees; takes missing values",
      "f(x) = (1 / T) sum_t tree_t(x), tree_t fitted to rows drawn with replacement; " +
          std::string(kThresholds));
  many.algorithm_version = 5;
  DeclareModel(many, HintOf, Supervised::kYes, ForestMetrics());
  registry.Add(
      MakeStepType(std::move(many), WithTraining(forest, true).Check(CheckForest), TrainForest));
}

}  // namespace dml::steps

#include "plugins/learn/cluster/kmeans.h"
#include "plugins/learn/linear/least_squares.h"
#include "plugins/learn/linear/logistic_regression.h"
#include "plugins/learn/tree/tree_fit.h"
#include "plugins/steps/register.h"
#include "plugins/steps/step_type.h"
#include "plugins/steps/training.h"

namespace dml::steps {

namespace {

using learn::ModelTask;

struct RidgeParams : TrainingParams {
  double alpha = 1.0;
  bool fit_intercept = true;
};

Result<void> TrainRidge(const RidgeParams& params, plugins::StepContext& context) {
  const auto fit = [&](const learn::DataSource& source, int, const learn::Execution& execution) {
    return learn::FitRidge(source, {params.alpha, params.fit_intercept}, execution);
  };
  return Train(params, ModelTask::kRegression, false, fit, context);
}

struct LogisticParams : TrainingParams {
  double c = 1.0;
  bool fit_intercept = true;
  bool balanced = false;
  double tol = 1e-4;
  int max_iter = 100;
};

Result<void> TrainLogistic(const LogisticParams& params, plugins::StepContext& context) {
  learn::LogisticOptions options;
  options.c = params.c;
  options.fit_intercept = params.fit_intercept;
  options.tol = params.tol;
  options.max_iter = params.max_iter;
  if (params.balanced) options.class_weight = learn::LogisticOptions::ClassWeight::kBalanced;
  const auto fit = [&](const learn::DataSource& source, int classes,
                       const learn::Execution& execution) {
    return learn::FitLogistic(source, classes, options, execution);
  };
  return Train(params, ModelTask::kClassification, false, fit, context);
}

struct KMeansParams : TrainingParams {
  int n_clusters = 8;
  int n_init = 10;
  int max_iter = 300;
  double tol = 1e-4;
  std::uint64_t seed = 0;
};

Result<void> TrainKMeans(const KMeansParams& params, plugins::StepContext& context) {
  learn::KMeansOptions options;
  options.clusters = params.n_clusters;
  options.n_init = params.n_init;
  options.max_iter = params.max_iter;
  options.tol = params.tol;
  options.seed = params.seed;
  const auto fit = [&](const learn::DataSource& source, int, const learn::Execution& execution) {
    return learn::FitKMeans(source, options, execution);
  };
  return Train(params, ModelTask::kClustering, false, fit, context);
}

enum class ForestTask { kClassification, kRegression };

struct ForestParams : TrainingParams {
  ForestTask task = ForestTask::kClassification;
  int n_estimators = 100;
  std::optional<int> max_depth;
  int min_samples_split = 2;
  int min_samples_leaf = 1;
  bool bootstrap = true;
  std::uint64_t seed = 0;
};

Result<void> TrainForest(const ForestParams& params, plugins::StepContext& context) {
  learn::ForestOptions options;
  options.n_estimators = params.n_estimators;
  options.bootstrap = params.bootstrap;
  options.tree.max_depth = params.max_depth;
  options.tree.min_samples_split = params.min_samples_split;
  options.tree.min_samples_leaf = params.min_samples_leaf;
  options.tree.seed = params.seed;
  const auto fit = [&](const learn::DataSource& source, int classes,
                       const learn::Execution& execution) {
    return learn::FitRandomForest(source, static_cast<std::size_t>(classes), options, execution);
  };
  const ModelTask task =
      params.task == ForestTask::kRegression ? ModelTask::kRegression : ModelTask::kClassification;
  return Train(params, task, true, fit, context);
}

void RegisterLinear(plugins::StepRegistry& registry) {
  plugins::ParamSchema<RidgeParams> ridge;
  ridge.Add("alpha", &RidgeParams::alpha, "strength of the penalty")
      .AtLeast(0)
      .Add("fit_intercept", &RidgeParams::fit_intercept, "learn an intercept, never penalised");
  registry.Add(MakeStepType(TrainingSpec("train.ridge", "Linear regression with an L2 penalty",
                                         "min ||y - Xw - b||^2 + alpha ||w||^2"),
                            WithTraining(ridge, true), TrainRidge));
  plugins::ParamSchema<LogisticParams> logistic;
  logistic.Add("C", &LogisticParams::c, "inverse strength of the penalty")
      .MoreThan(0)
      .Add("fit_intercept", &LogisticParams::fit_intercept, "learn intercepts, never penalised")
      .AddEnum("class_weight", &LogisticParams::balanced, {{"none", false}, {"balanced", true}},
               "weigh classes alike, whatever their size")
      .Add("tol", &LogisticParams::tol, "gradient at which the fit has converged")
      .MoreThan(0)
      .Add("max_iter", &LogisticParams::max_iter, "iterations at most")
      .AtLeast(1);
  registry.Add(MakeStepType(
      TrainingSpec("train.logistic_regression", "Classification by a linear model of the log odds",
                   "min C sum_i log-loss(y_i, x_i w + b) + ||w||^2 / 2"),
      WithTraining(logistic, true), TrainLogistic));
}

void RegisterOthers(plugins::StepRegistry& registry) {
  plugins::ParamSchema<KMeansParams> kmeans;
  kmeans.Add("n_clusters", &KMeansParams::n_clusters, "number of clusters")
      .AtLeast(1)
      .Add("n_init", &KMeansParams::n_init, "starts, of which the best is kept")
      .AtLeast(1)
      .Add("max_iter", &KMeansParams::max_iter, "iterations at most")
      .AtLeast(1)
      .Add("tol", &KMeansParams::tol, "shift of the centres at which the fit has converged")
      .AtLeast(0)
      .Add("seed", &KMeansParams::seed, "seed of the starts");
  registry.Add(MakeStepType(
      TrainingSpec("train.kmeans", "Clusters around k centres", "min sum_i min_k ||x_i - c_k||^2"),
      WithTraining(kmeans, false), TrainKMeans));
  plugins::ParamSchema<ForestParams> forest;
  forest
      .AddEnum("task", &ForestParams::task,
               {{"classification", ForestTask::kClassification},
                {"regression", ForestTask::kRegression}},
               "what the target is")
      .Add("n_estimators", &ForestParams::n_estimators, "number of trees")
      .AtLeast(1)
      .Add("max_depth", &ForestParams::max_depth, "depth of a tree at most; none by default")
      .AtLeast(1)
      .Add("min_samples_split", &ForestParams::min_samples_split, "rows that a split needs")
      .AtLeast(2)
      .Add("min_samples_leaf", &ForestParams::min_samples_leaf, "rows that a leaf needs")
      .AtLeast(1)
      .Add("bootstrap", &ForestParams::bootstrap, "each tree sees a bootstrap sample")
      .Add("seed", &ForestParams::seed, "seed of samples and features");
  registry.Add(MakeStepType(
      TrainingSpec("train.random_forest", "Averaged decision trees; takes missing values", ""),
      WithTraining(forest, true), TrainForest));
}

}  // namespace

void RegisterTrainSteps(plugins::StepRegistry& registry) {
  RegisterLinear(registry);
  RegisterOthers(registry);
}

}  // namespace dml::steps

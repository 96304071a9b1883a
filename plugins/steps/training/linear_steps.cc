#include "plugins/learn/linear/least_squares.h"
#include "plugins/learn/linear/logistic_regression.h"
#include "plugins/steps/register.h"
#include "plugins/steps/step_type.h"
#include "plugins/steps/training/class_weight.h"
#include "plugins/steps/training/model_forecast.h"

namespace dml::steps {

namespace {

using learn::ModelTask;

struct LinearParams : TrainingParams {
  bool fit_intercept = true;
};

Result<void> TrainLinear(const LinearParams& params, plugins::StepContext& context) {
  const auto fit = [&](const learn::DataSource& source, const ClassNames&,
                       const learn::Execution& execution) {
    return learn::FitLinearRegression(source, {params.fit_intercept}, execution);
  };
  return Train(params, {ModelTask::kRegression, false, fit}, context);
}

struct RidgeParams : TrainingParams {
  double alpha = 1.0;
  bool fit_intercept = true;
};

Result<void> TrainRidge(const RidgeParams& params, plugins::StepContext& context) {
  const auto fit = [&](const learn::DataSource& source, const ClassNames&,
                       const learn::Execution& execution) {
    return learn::FitRidge(source, {params.alpha, params.fit_intercept}, execution);
  };
  return Train(params, {ModelTask::kRegression, false, fit}, context);
}

struct LogisticParams : TrainingParams {
  double c = 1.0;
  bool penalised = true;
  bool fit_intercept = true;
  Json class_weight = "none";
  double tol = 1e-4;
  int max_iter = 100;
};

Result<void> TrainLogistic(const LogisticParams& params, plugins::StepContext& context) {
  learn::LogisticOptions options;
  options.c = params.c;
  if (!params.penalised) options.penalty = learn::LogisticOptions::Penalty::kNone;
  options.fit_intercept = params.fit_intercept;
  options.tol = params.tol;
  options.max_iter = params.max_iter;
  using ClassWeight = learn::LogisticOptions::ClassWeight;
  if (params.class_weight.is_object()) {
    options.class_weight = ClassWeight::kGiven;
  } else if (params.class_weight == "balanced") {
    options.class_weight = ClassWeight::kBalanced;
  }
  const auto fit = [&](const learn::DataSource& source, const ClassNames& classes,
                       const learn::Execution& execution) -> Result<learn::FitResult> {
    if (params.class_weight.is_object()) {
      DML_TRY(options.class_weights, GivenClassWeights(params.class_weight, classes));
    }
    return learn::FitLogistic(source, static_cast<int>(classes.size()), options, execution);
  };
  return Train(params, {ModelTask::kClassification, false, fit}, context);
}

constexpr char kInterceptDoc[] = "learn an intercept, never penalised";

template <typename Params>
plugins::StepType MakeSupervised(StepSpec spec, const plugins::ParamSchema<Params>& own,
                                 ModelTask task, std::vector<MetricSpec> of_fit,
                                 typename FunctionStep<Params>::Body body) {
  DeclareModel(spec, Always(task), Supervised::kYes, std::move(of_fit));
  auto schema = WithTraining(own, true);
  schema.Check([task](const Params& params, plugins::Problems& problems) {
    CheckScoring(params, task, problems);
  });
  return MakeStepType(std::move(spec), schema, body);
}

MetricSpec ConditionMetric() {
  return {"condition_estimate", "estimated condition number of the problem"};
}

std::vector<MetricSpec> LeastSquaresMetrics() {
  return {{"rank", "rank of the features"},
          {"refinements", "steps that refined the solution"},
          ConditionMetric()};
}

std::vector<MetricSpec> LogisticMetrics() {
  return {{"gradient_norm", "largest entry of the gradient at the end"},
          ConditionMetric(),
          {"started_on_rows", "rows of the sample that gave the start, if there was one"}};
}

void RegisterLeastSquares(plugins::StepRegistry& registry) {
  plugins::ParamSchema<LinearParams> linear;
  linear.Add("fit_intercept", &LinearParams::fit_intercept, kInterceptDoc);
  StepSpec plain =
      TrainingSpec("train.linear_regression", "Ordinary least squares", "min ||y - Xw - b||^2");
  plain.algorithm_version = 3;
  registry.Add(MakeSupervised(std::move(plain), linear, ModelTask::kRegression,
                              LeastSquaresMetrics(), TrainLinear));
  plugins::ParamSchema<RidgeParams> ridge;
  ridge.Add("alpha", &RidgeParams::alpha, "strength of the penalty")
      .AtLeast(0)
      .Add("fit_intercept", &RidgeParams::fit_intercept, kInterceptDoc);
  StepSpec penalised = TrainingSpec("train.ridge", "Linear regression with an L2 penalty",
                                    "min ||y - Xw - b||^2 + alpha ||w||^2");
  penalised.algorithm_version = 3;
  registry.Add(MakeSupervised(std::move(penalised), ridge, ModelTask::kRegression,
                              LeastSquaresMetrics(), TrainRidge));
}

}  // namespace

void RegisterLinearSteps(plugins::StepRegistry& registry) {
  RegisterLeastSquares(registry);
  plugins::ParamSchema<LogisticParams> logistic;
  logistic.Add("C", &LogisticParams::c, "inverse strength of the penalty")
      .MoreThan(0)
      .AddEnum("penalty", &LogisticParams::penalised, {{"l2", true}, {"none", false}},
               "what keeps the weights small")
      .Add("fit_intercept", &LogisticParams::fit_intercept, kInterceptDoc)
      .AddJson("class_weight", &LogisticParams::class_weight, ClassWeightSpec(), kClassWeightDoc)
      .Add("tol", &LogisticParams::tol, "gradient at which the fit has converged")
      .MoreThan(0)
      .Add("max_iter", &LogisticParams::max_iter, "iterations at most")
      .AtLeast(1);
  StepSpec classifier =
      TrainingSpec("train.logistic_regression", "Classification by a linear model of the log odds",
                   "min C sum_i log-loss(y_i, x_i w + b) + ||w||^2 / 2");
  classifier.algorithm_version = 2;
  registry.Add(MakeSupervised(std::move(classifier), logistic, ModelTask::kClassification,
                              LogisticMetrics(), TrainLogistic));
}

}  // namespace dml::steps

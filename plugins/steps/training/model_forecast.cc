#include "plugins/steps/training/model_forecast.h"

#include <fmt/format.h>

#include <utility>

#include "plugins/learn/metrics/metric_registry.h"
#include "plugins/steps/transform/catalog.h"

namespace dml::steps {

namespace {

// The names of cross-validated scores, as far as parameters and task tell them.
std::optional<std::vector<std::string>> Scores(const Json& params,
                                               std::optional<learn::ModelTask> task) {
  std::vector<std::string> names;
  const auto validate = params.find("validate");
  if (validate == params.end()) return names;
  if (!validate->is_object()) return std::nullopt;
  const auto given = validate->find("scoring");
  std::vector<std::string> scoring;
  if (given != validate->end()) {
    if (!given->is_array()) return std::nullopt;
    for (const Json& name : *given) {
      if (!name.is_string()) return std::nullopt;
      scoring.push_back(name);
    }
  }
  if (scoring.empty()) {
    if (!task) return std::nullopt;
    scoring.emplace_back(learn::DefaultScorer(*task));
  }
  for (const std::string& name : scoring) {
    names.push_back("cv." + name);
    names.push_back("cv." + name + "_std");
  }
  return names;
}

// Parameters by their names, and what may stand in those that hold several values.
std::vector<std::string> ParamNames(const Json& params) {
  std::vector<std::string> names;
  for (const auto& [name, value] : params.items()) {
    names.push_back(name);
    if (value.is_object() || value.is_null()) names.push_back(name + ".*");
  }
  return names;
}

}  // namespace

TaskHint Always(learn::ModelTask task) {
  return [task](const Json&) { return std::optional(task); };
}

void DeclareModel(StepSpec& spec, const TaskHint& hint, Supervised supervised,
                  std::vector<MetricSpec> of_fit) {
  // Any of them may stand in `preprocess:`; which do is known of a pipeline only.
  spec.algorithm_version += TransformChanges();
  std::vector<MetricSpec> metrics{
      {"rows", "rows that were learnt from"},
      {"dropped", "rows that preprocess drops, if it may drop some", "preprocess"},
      {"features", "features after preprocessing"},
      {"iterations", "iterations of the fit"},
      {"converged", "whether the fit has converged"},
  };
  metrics.insert(metrics.end(), of_fit.begin(), of_fit.end());
  if (supervised == Supervised::kYes) {
    metrics.push_back(
        {"cv.*", "a cross-validated score and its deviation: cv.r2, cv.r2_std", "validate"});
    spec.forecast_metrics = [hint](const Json& params, std::span<const ModelOutlook>) {
      std::map<std::string, std::vector<std::string>> known;
      if (auto scores = Scores(params, hint(params))) known["cv.*"] = std::move(*scores);
      return known;
    };
  }
  spec.metrics = std::move(metrics);
  spec.forecast = [hint, of_fit = std::move(of_fit)](const Json& params,
                                                     std::span<const ModelOutlook>) {
    ModelOutlook out;
    const std::optional<learn::ModelTask> task = hint(params);
    if (task) out.task = learn::ModelTaskName(*task);
    out.metrics = Scores(params, task);
    out.params = ParamNames(params);
    out.fit.emplace();
    for (const MetricSpec& metric : of_fit) {
      if (MayReport(metric, params)) out.fit->push_back(metric.name);
    }
    return out;
  };
}

void CheckScoring(const TrainingParams& params, std::optional<learn::ModelTask> task,
                  plugins::Problems& problems) {
  using learn::ModelTask;
  if (!params.validate) return;
  for (std::size_t i = 0; i < params.validate->scoring.size(); ++i) {
    const std::string& name = params.validate->scoring[i];
    const auto found = learn::FindScorer(name, task.value_or(ModelTask::kClassification));
    if (found.ok()) continue;
    if (!task && learn::FindScorer(name, ModelTask::kRegression).ok()) continue;
    problems.Add(fmt::format("/validate/scoring/{}", i), found.error());
  }
}

}  // namespace dml::steps

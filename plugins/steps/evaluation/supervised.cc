#include <fmt/format.h>

#include <algorithm>

#include "plugins/api/panel.h"
#include "plugins/learn/metrics/metric_registry.h"
#include "plugins/learn/metrics/regression.h"
#include "plugins/steps/evaluation/class_report.h"
#include "plugins/steps/evaluation/evaluate.h"
#include "plugins/steps/evaluation/model_rows.h"
#include "plugins/steps/evaluation/positive_class.h"
#include "plugins/steps/evaluation/predictions.h"
#include "plugins/steps/evaluation/unseen_classes.h"
#include "plugins/steps/register.h"
#include "plugins/steps/step_type.h"

namespace dml::steps {

namespace {

using learn::ModelTask;

constexpr std::size_t kCurvePointsMax = 2000;

struct EvaluateParams {
  plugins::ColumnName weight;
};

struct EvaluateClassesParams : EvaluateParams {
  Json positive;
  std::optional<double> threshold;
};

// Residuals over predictions of evenly spaced rows, and the quantiles of all residuals.
void ReportResiduals(const ModelOutput& all, const learn::Predictions& predictions, Json& metrics,
                     Json& panels) {
  const std::size_t stride = std::max<std::size_t>(1, all.y.size() / kCurvePointsMax);
  plugins::Series points{"rows", {}, {}};
  for (std::size_t row = 0; row < all.y.size(); row += stride) {
    points.x.push_back(all.output[row]);
    points.y.push_back(all.y[row] - all.output[row]);
  }
  panels.push_back(
      plugins::ScatterPanel("Residuals", "prediction", "truth - prediction", {points}));
  std::vector<double> shares;
  for (int percent = 0; percent <= 100; ++percent) shares.push_back(percent / 100.0);
  plugins::Series quantiles{"residual", {}, learn::ResidualQuantiles(predictions, shares)};
  for (const double share : shares) quantiles.x.push_back(share * 100);
  for (const int percent : {1, 5, 25, 50, 75, 95, 99}) {
    metrics["residual_quantiles"][fmt::format("p{:02}", percent)] =
        quantiles.y[static_cast<std::size_t>(percent)];
  }
  panels.push_back(plugins::LinesPanel("Quantiles of the residuals", "percent of rows",
                                       "truth - prediction", {quantiles}));
}

std::vector<MetricSpec> ResidualMetrics() {
  return {{"residual_quantiles.*", "quantiles of truth - prediction: p01 p05 p25 p50 p75 p95 p99"}};
}

// Rows of weight 0 count as absent: of none there are no figures.
Result<void> RequireRowsThatCount(const ModelOutput& all, const std::string& column) {
  const auto counts = [](double weight) { return weight > 0.0; };
  if (all.weight.empty() || std::ranges::any_of(all.weight, counts)) return {};
  return Error::Invalid(fmt::format("the weight '{}' is 0 in every row", column),
                        "a row needs a weight above 0 to be evaluated");
}

Result<void> Evaluate(const EvaluateClassesParams& params, ModelTask wanted,
                      plugins::StepContext& context) {
  DML_TRY(const learn::LoadedModel loaded, OpenModel(context));
  const learn::Model& model = loaded.model;
  DML_RETURN_IF_ERROR(CheckTask(model, wanted));
  DML_TRY(const Artifact* input, context.Input("data"));
  DML_TRY(const table::Table table, table::Table::Open(input->files));
  if (table.rows() == 0) return Error::Invalid("the table has no rows to evaluate on");
  DML_TRY(const RowView rows, RowsForModel(model, table, context));
  DML_RETURN_IF_ERROR(ReportDroppedRows(rows, context));
  Target target{model.target, model.classes};
  std::vector<std::string> unseen;
  if (wanted == ModelTask::kClassification) {
    DML_TRY(const RowView values, TargetValues(table, target.column, rows));
    DML_TRY(unseen, FindUnseenClasses(values, target));
    target.classes.insert(target.classes.end(), unseen.begin(), unseen.end());
  }
  DML_TRY(const auto matrix,
          MatrixForModel(model, table, rows, {std::move(target), params.weight.name}));
  DML_TRY(ModelOutput all, PredictAll(*model.predictor, *matrix, context));
  DML_RETURN_IF_ERROR(RequireRowsThatCount(all, params.weight.name));
  std::vector<std::string> classes = model.classes;
  DML_RETURN_IF_ERROR(PutPositiveSecond(params.positive, all, classes));
  if (params.threshold && classes.size() != 2) {
    return Error::Invalid(
        fmt::format("`threshold` decides between two classes, and there are {}", classes.size()),
        "leave it out: of several classes the likeliest is predicted");
  }
  const std::size_t known = classes.size();
  AppendUnseenClasses(unseen, all, classes, context.warnings);
  learn::Predictions predictions = all.AsPredictions(classes, classes.size() - known);
  predictions.threshold = params.threshold;
  DML_RETURN_IF_ERROR(learn::CheckPredictions(predictions));
  const std::vector<learn::NamedScore> scores = learn::AllScores(wanted, predictions);
  ReportScores(scores, context);
  Json panels = Json::array();
  if (wanted == ModelTask::kClassification) {
    ReportClasses(classes, predictions, context.metrics, panels);
  } else {
    ReportResiduals(all, predictions, context.metrics, panels);
  }
  return WritePanels(std::move(panels), context);
}

Result<void> EvaluateClassification(const EvaluateClassesParams& params,
                                    plugins::StepContext& context) {
  return Evaluate(params, ModelTask::kClassification, context);
}

Result<void> EvaluateRegression(const EvaluateParams& params, plugins::StepContext& context) {
  return Evaluate({params, {}, {}}, ModelTask::kRegression, context);
}

std::vector<MetricSpec> MetricsOf(ModelTask task) {
  std::vector<MetricSpec> out;
  for (const learn::MetricInfo& metric : learn::Metrics()) {
    if (metric.task != task) continue;
    std::string doc(metric.doc);
    if (doc.ends_with('.')) doc.pop_back();
    if (learn::ScoredFor(metric) == learn::Classes::kTwo) doc += "; of two classes";
    if (learn::ScoredFor(metric) == learn::Classes::kMore) doc += "; of more than two classes";
    out.push_back({std::string(metric.name), std::move(doc)});
  }
  const auto extra = task == ModelTask::kClassification ? ClassMetrics() : ResidualMetrics();
  out.insert(out.end(), extra.begin(), extra.end());
  out.push_back(DroppedMetric());
  return out;
}

StepSpec SpecOf(ModelTask task, std::string summary, std::string formula) {
  StepSpec spec = EvaluationSpec(task, std::move(summary), std::move(formula));
  spec.metrics = MetricsOf(task);
  return spec;
}

}  // namespace

void RegisterSupervisedEvaluations(plugins::StepRegistry& registry) {
  constexpr char kWeightDoc[] = "a column of weights: a row of weight 2 counts as two rows";
  using Classes = EvaluateClassesParams;
  plugins::ParamSchema<Classes> of_classes;
  of_classes
      .Add("weight", static_cast<plugins::ColumnName Classes::*>(&Classes::weight), kWeightDoc)
      .AddJson(
          "positive", &Classes::positive, PositiveSpec(),
          "the class of two that f1, precision, recall, average_precision, curves and lift are "
          "about; the second one if absent")
      .Add("threshold", &Classes::threshold,
           "probability from which on the positive class is predicted; 0.5 if absent")
      .AtLeast(0)
      .AtMost(1);
  plugins::ParamSchema<EvaluateParams> schema;
  schema.Add("weight", &EvaluateParams::weight, kWeightDoc);
  registry.Add(
      MakeStepType(SpecOf(ModelTask::kClassification, "Score a classifier on rows it has not seen",
                          "precision = TP / (TP + FP); recall = TP / (TP + FN); 0 / 0 counts as 0; "
                          "log_loss = -mean log p(y)"),
                   of_classes, EvaluateClassification));
  registry.Add(MakeStepType(
      SpecOf(ModelTask::kRegression, "Score a regression on rows it has not seen",
             "rmse = sqrt(mean (y - f)^2); r2 = 1 - sum (y - f)^2 / sum (y - mean y)^2"),
      schema, EvaluateRegression));
}

}  // namespace dml::steps

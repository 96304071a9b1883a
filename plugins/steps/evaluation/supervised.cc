#include <algorithm>

#include "plugins/api/panel.h"
#include "plugins/learn/metrics/confusion.h"
#include "plugins/learn/metrics/ranking.h"
#include "plugins/steps/evaluation/evaluate.h"
#include "plugins/steps/evaluation/model_rows.h"
#include "plugins/steps/register.h"
#include "plugins/steps/step_type.h"

namespace dml::steps {

namespace {

using learn::ModelTask;

constexpr std::size_t kPointsMax = 2000;

struct EvaluateParams {
  plugins::ColumnName weight;
};

// The curves of every class against the rest; of two classes, those of the second alone.
void AddClassPanels(const std::vector<std::string>& classes, const learn::Predictions& predictions,
                    Json& panels) {
  std::vector<plugins::Series> roc;
  std::vector<plugins::Series> precision_recall;
  for (std::size_t c = classes.size() == 2 ? 1 : 0; c < classes.size(); ++c) {
    const learn::Ranking ranking(predictions, c);
    const learn::Curve curve = learn::RocCurve(ranking);
    roc.push_back({classes[c], curve.x, curve.y});
    const learn::Curve recall = learn::PrecisionRecallCurve(ranking);
    precision_recall.push_back({classes[c], recall.x, recall.y});
  }
  panels.push_back(
      plugins::LinesPanel("ROC curve", "false positive rate", "true positive rate", roc));
  panels.push_back(
      plugins::LinesPanel("Precision and recall", "recall", "precision", precision_recall));
  const learn::ConfusionMatrix confusion(predictions);
  std::vector<std::vector<double>> counts(classes.size());
  for (std::size_t truth = 0; truth < classes.size(); ++truth) {
    for (std::size_t predicted = 0; predicted < classes.size(); ++predicted) {
      counts[truth].push_back(confusion.count(truth, predicted));
    }
  }
  panels.push_back(plugins::ConfusionPanel("Confusion matrix", classes, counts));
}

// Residuals over predictions of evenly spaced rows, and the quantiles of all residuals.
void AddResidualPanels(const ModelOutput& all, Json& panels) {
  const std::size_t stride = std::max<std::size_t>(1, all.y.size() / kPointsMax);
  plugins::Series points{"rows", {}, {}};
  std::vector<double> residuals;
  for (std::size_t row = 0; row < all.y.size(); ++row) {
    residuals.push_back(all.y[row] - all.output[row]);
    if (row % stride != 0) continue;
    points.x.push_back(all.output[row]);
    points.y.push_back(residuals.back());
  }
  panels.push_back(
      plugins::ScatterPanel("Residuals", "prediction", "truth - prediction", {points}));
  std::ranges::sort(residuals);
  plugins::Series quantiles{"residual", {}, {}};
  for (int percent = 0; percent <= 100; ++percent) {
    const auto at = static_cast<std::size_t>(percent) * (residuals.size() - 1) / 100;
    quantiles.x.push_back(percent);
    quantiles.y.push_back(residuals[at]);
  }
  panels.push_back(plugins::LinesPanel("Quantiles of the residuals", "percent of rows",
                                       "truth - prediction", {quantiles}));
}

Result<void> Evaluate(const EvaluateParams& params, ModelTask wanted,
                      plugins::StepContext& context) {
  DML_TRY(const learn::LoadedModel loaded, OpenModel(context));
  const learn::Model& model = loaded.model;
  DML_RETURN_IF_ERROR(CheckTask(model, wanted));
  DML_TRY(const Artifact* input, context.Input("data"));
  DML_TRY(const table::Table table, table::Table::Open(input->files));
  if (table.rows() == 0) return Error::Invalid("the table has no rows to evaluate on");
  DML_TRY(const auto matrix,
          RowsForModel(model, table, {{model.target, model.classes}, params.weight.name}));
  DML_TRY(const ModelOutput all, PredictAll(model, *matrix));
  const learn::Predictions predictions{all.y, all.output, model.classes.size(), all.weight};
  DML_RETURN_IF_ERROR(learn::CheckPredictions(predictions));
  const std::vector<learn::NamedScore> scores = learn::AllScores(wanted, predictions);
  ReportScores(scores, context);
  Json panels = Json::array({ScoresPanel(scores)});
  if (wanted == ModelTask::kClassification) {
    AddClassPanels(model.classes, predictions, panels);
  } else {
    AddResidualPanels(all, panels);
  }
  return WritePanels(std::move(panels), context);
}

Result<void> EvaluateClassification(const EvaluateParams& params, plugins::StepContext& context) {
  return Evaluate(params, ModelTask::kClassification, context);
}

Result<void> EvaluateRegression(const EvaluateParams& params, plugins::StepContext& context) {
  return Evaluate(params, ModelTask::kRegression, context);
}

}  // namespace

void RegisterSupervisedEvaluations(plugins::StepRegistry& registry) {
  plugins::ParamSchema<EvaluateParams> schema;
  schema.Add("weight", &EvaluateParams::weight,
             "a column of weights: a row of weight 2 counts as two rows");
  registry.Add(MakeStepType(
      EvaluationSpec("evaluate.classification", "Score a classifier on rows it has not seen"),
      schema, EvaluateClassification));
  registry.Add(MakeStepType(
      EvaluationSpec("evaluate.regression", "Score a regression on rows it has not seen"), schema,
      EvaluateRegression));
}

}  // namespace dml::steps

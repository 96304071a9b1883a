#include <fmt/format.h>

#include "base/files.h"
#include "plugins/api/panel.h"
#include "plugins/learn/metrics/confusion.h"
#include "plugins/learn/metrics/metric_registry.h"
#include "plugins/learn/metrics/ranking.h"
#include "plugins/learn/model_file.h"
#include "plugins/steps/design_matrix.h"
#include "plugins/steps/register.h"
#include "plugins/steps/step_type.h"

namespace dml::steps {

namespace {

using learn::ModelTask;

struct EvaluateParams {};  // nothing to choose: every metric of the task is computed

// What a model says about every row, and the truth.
struct Scored {
  Target target;
  std::vector<double> output;  // rows x classes, or one value a row
};

Result<Scored> ScoreAll(const learn::Model& model, const table::Table& table) {
  Scored scored;
  const ModelTask task = model.predictor->task();
  if (task == ModelTask::kClassification) {
    DML_TRY(scored.target, ReadClassTarget(table, model.target, model.classes));
  } else {
    DML_TRY(scored.target, ReadNumericTarget(table, model.target));
  }
  DML_TRY(const auto matrix, DesignMatrix::Make(table, model.feature_names, {}, true));
  scored.output.resize(static_cast<std::size_t>(table.rows()) * model.predictor->outputs());
  std::size_t at = 0;
  learn::Tile tile;
  for (std::size_t t = 0; t < matrix->tile_count(); ++t) {
    DML_RETURN_IF_ERROR(matrix->Read(t, tile));
    const std::size_t size = tile.rows * model.predictor->outputs();
    model.predictor->Predict(tile, std::span(scored.output).subspan(at, size));
    at += size;
  }
  return scored;
}

Json ScoresPanel(const std::vector<learn::NamedScore>& scores) {
  std::vector<std::vector<Json>> rows;
  for (const learn::NamedScore& score : scores) {
    rows.push_back(
        {score.name, score.score.defined() ? Json(*score.score.value) : Json(), score.score.note});
  }
  return plugins::TablePanel("Metrics", {"metric", "value", "note"}, rows);
}

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

Result<void> Evaluate(ModelTask wanted, plugins::StepContext& context) {
  DML_TRY(const Artifact* model_input, context.Input("model"));
  DML_TRY(const Artifact* data_input, context.Input("data"));
  DML_CHECK(!model_input->files.empty(), "a model artifact is one file");
  DML_TRY(const learn::LoadedModel loaded, learn::ReadModelFile(model_input->files.front().path));
  const learn::Model& model = loaded.model;
  if (model.predictor->task() != wanted) {
    return Error::Invalid(
        fmt::format("the model is for {}, not for {}",
                    learn::ModelTaskName(model.predictor->task()), learn::ModelTaskName(wanted)),
        fmt::format("use evaluate.{}", learn::ModelTaskName(model.predictor->task())));
  }
  DML_TRY(const table::Table table, table::Table::Open(data_input->files));
  if (table.rows() == 0) return Error::Invalid("the table has no rows to evaluate on");
  DML_TRY(const Scored scored, ScoreAll(model, table));
  const learn::Predictions predictions{
      scored.target.values,
      scored.output,
      wanted == ModelTask::kClassification ? model.classes.size() : std::size_t{0},
      {}};
  DML_RETURN_IF_ERROR(learn::CheckPredictions(predictions));
  const std::vector<learn::NamedScore> scores = learn::AllScores(wanted, predictions);
  for (const learn::NamedScore& score : scores) {
    if (score.score.defined()) context.metrics[score.name] = *score.score.value;
    if (!score.score.defined()) context.warnings.push_back(score.name + ": " + score.score.note);
  }
  Json panels = Json::array({ScoresPanel(scores)});
  if (wanted == ModelTask::kClassification) AddClassPanels(model.classes, predictions, panels);
  DML_TRY(const std::string directory, context.OutputDirectory("report"));
  return WriteFileAtomic(directory + "/panels.json", CanonicalJson({{"panels", panels}}));
}

Result<void> EvaluateClassification(const EvaluateParams&, plugins::StepContext& context) {
  return Evaluate(ModelTask::kClassification, context);
}

Result<void> EvaluateRegression(const EvaluateParams&, plugins::StepContext& context) {
  return Evaluate(ModelTask::kRegression, context);
}

StepSpec Spec(std::string name, std::string summary) {
  StepSpec spec;
  spec.name = std::move(name);
  spec.summary = std::move(summary);
  PortSpec model;
  model.name = "model";
  model.kind = PortKind::kModel;
  model.doc = "the model to evaluate";
  spec.inputs = {model, TablePort("data", "rows with the target")};
  PortSpec report;
  report.name = "report";
  report.kind = PortKind::kFile;
  report.doc = "panels for the report";
  spec.outputs = {report};
  return spec;
}

}  // namespace

void RegisterEvaluateSteps(plugins::StepRegistry& registry) {
  const plugins::ParamSchema<EvaluateParams> none;
  registry.Add(
      MakeStepType(Spec("evaluate.classification", "Score a classifier on rows it has not seen"),
                   none, EvaluateClassification));
  registry.Add(
      MakeStepType(Spec("evaluate.regression", "Score a regression on rows it has not seen"), none,
                   EvaluateRegression));
}

}  // namespace dml::steps

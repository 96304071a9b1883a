#include "plugins/steps/evaluation/evaluate.h"

#include <fmt/format.h>

#include "base/files.h"
#include "plugins/steps/step_type.h"
#include "plugins/steps/transform/row_rule.h"

namespace dml::steps {

StepSpec EvaluationSpec(learn::ModelTask task, std::string summary, std::string formula) {
  StepSpec spec;
  spec.name = fmt::format("evaluate.{}", learn::ModelTaskName(task));
  spec.summary = std::move(summary);
  spec.formula = std::move(formula);
  spec.algorithm_version = 4;
  spec.inputs = {ModelPort("the model to evaluate"), TablePort("data", "rows to evaluate on")};
  spec.inputs[0].model_task = learn::ModelTaskName(task);
  spec.outputs = {ReportPort()};
  return spec;
}

Result<void> CheckTask(const learn::Model& model, learn::ModelTask wanted) {
  const learn::ModelTask task = model.predictor->task();
  if (task == wanted) return {};
  const std::string hint = task == learn::ModelTask::kTransform
                               ? "use predict to see its components"
                               : fmt::format("use evaluate.{}", learn::ModelTaskName(task));
  return Error::Invalid(fmt::format("the model is for {}, not for {}", learn::ModelTaskName(task),
                                    learn::ModelTaskName(wanted)),
                        hint);
}

Result<void> ReportDroppedRows(const RowView& rows, plugins::StepContext& context) {
  if (rows.dropped().empty()) return {};
  const DroppedRows dropped = DescribeDropped(rows);
  context.metrics["dropped"] = dropped.rows;
  if (rows.rows() == 0) {
    return Error::Invalid(
        fmt::format("the preprocessing of the model drops every row ({})", dropped.by),
        "evaluate on rows like those that the model was fitted to");
  }
  if (dropped.rows == 0) return {};
  context.warnings.push_back(
      fmt::format("the preprocessing of the model drops {} ({}): the figures are of the other {}",
                  dropped.share, dropped.by, rows.rows()));
  return {};
}

MetricSpec DroppedMetric() {
  return {"dropped", "rows that the preprocessing of the model drops, if it may drop some"};
}

void ReportScores(const std::vector<learn::NamedScore>& scores, plugins::StepContext& context) {
  for (const learn::NamedScore& score : scores) {
    if (score.score.defined()) context.metrics[score.name] = *score.score.value;
    // Also of one that is defined, but not what its name alone says.
    if (!score.score.note.empty()) context.warnings.push_back(score.name + ": " + score.score.note);
  }
}

Result<void> WritePanels(Json panels, plugins::StepContext& context) {
  DML_TRY(const std::string directory, context.OutputDirectory("report"));
  return WriteFileAtomic(directory + "/panels.json",
                         CanonicalJson({{"panels", std::move(panels)}}));
}

}  // namespace dml::steps

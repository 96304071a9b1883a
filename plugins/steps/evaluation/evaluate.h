#pragma once

#include "plugins/api/step.h"
#include "plugins/learn/metrics/metric_registry.h"
#include "plugins/learn/model_file.h"
#include "plugins/steps/transform/row_view.h"

namespace dml::steps {

// What the evaluate steps share.

// A model for `task` and rows in, panels out; the step is called "evaluate.<task>".
StepSpec EvaluationSpec(learn::ModelTask task, std::string summary, std::string formula);

// kInvalid if the model is of another task, naming the step that fits it.
Result<void> CheckTask(const learn::Model& model, learn::ModelTask wanted);

// Rows that the preprocessing of the model drops take no part: says how many there are, as a metric
// and a warning. kInvalid if no row is left.
Result<void> ReportDroppedRows(const RowView& rows, plugins::StepContext& context);
// The metric, of models that may drop rows.
[[nodiscard]] MetricSpec DroppedMetric();

// Scores become metrics of the step; undefined ones become warnings.
void ReportScores(const std::vector<learn::NamedScore>& scores, plugins::StepContext& context);

// Writes the output `report`.
Result<void> WritePanels(Json panels, plugins::StepContext& context);

}  // namespace dml::steps

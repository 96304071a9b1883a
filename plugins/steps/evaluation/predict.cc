#include <fmt/format.h>

#include <algorithm>

#include "plugins/steps/evaluation/evaluate.h"
#include "plugins/steps/evaluation/model_rows.h"
#include "plugins/steps/register.h"
#include "plugins/steps/step_type.h"
#include "plugins/steps/transform/row_rule.h"
#include "plugins/table/column_builder.h"

namespace dml::steps {

namespace {

using learn::ModelTask;

struct PredictParams {};  // the model says everything

// The columns that predictions of one model have, in order.
std::vector<table::Field> PredictionFields(const learn::Model& model) {
  using table::ColumnType;
  switch (model.predictor->task()) {
    case ModelTask::kClassification: {
      std::vector<table::Field> fields{{"prediction", ColumnType::kCategory, 1}};
      for (const std::string& name : model.classes) {
        fields.push_back({"probability_" + name, ColumnType::kFloat64, 1});
      }
      return fields;
    }
    case ModelTask::kRegression:
      return {{"prediction", ColumnType::kFloat64, 1}};
    case ModelTask::kClustering:
      return {{"cluster", ColumnType::kInt64, 1}};
    case ModelTask::kTransform:
      break;
  }
  std::vector<table::Field> fields;
  for (std::size_t i = 0; i < model.predictor->outputs(); ++i) {
    fields.push_back({"component_" + std::to_string(i + 1), ColumnType::kFloat64, 1});
  }
  return fields;
}

void AppendRow(const learn::Model& model, std::span<const double> output,
               std::vector<table::ColumnBuilder>& builders) {
  if (model.predictor->task() == ModelTask::kClassification) {
    const auto best = static_cast<std::size_t>(std::ranges::max_element(output) - output.begin());
    builders[0].AppendText(model.classes[best]);
    for (std::size_t c = 0; c < output.size(); ++c) builders[c + 1].AppendDouble(output[c]);
  } else if (model.predictor->task() == ModelTask::kClustering) {
    builders[0].AppendInt64(static_cast<std::int64_t>(output[0]));
  } else {
    for (std::size_t i = 0; i < builders.size(); ++i) builders[i].AppendDouble(output[i]);
  }
}

// What a model says of the rows of a table, from the first to the last, tile by tile. Rows that
// its preprocessing drops have no prediction.
class PredictionStream {
 public:
  PredictionStream(const learn::Model& model, const DesignMatrix& matrix)
      : model_(model), matrix_(matrix) {}

  // Of the row behind the one asked for last; empty if it has none.
  Result<std::span<const double>> Next() {
    const std::uint64_t row = row_++;
    const RowView& kept = matrix_.features();
    if (next_ == kept.rows() || kept.table_row(next_) != row) return std::span<const double>();
    if (next_ == tile_.first_row + tile_.rows) {
      DML_RETURN_IF_ERROR(matrix_.Read(static_cast<std::size_t>(next_ / learn::kTileRows), tile_));
      output_.resize(tile_.rows * model_.predictor->outputs());
      model_.predictor->Predict(tile_, output_);
    }
    const std::size_t width = model_.predictor->outputs();
    const auto at = static_cast<std::size_t>(next_++ - tile_.first_row) * width;
    return std::span<const double>(output_).subspan(at, width);
  }

 private:
  const learn::Model& model_;
  const DesignMatrix& matrix_;
  std::uint64_t row_ = 0;   // of the table
  std::uint64_t next_ = 0;  // among those kept
  learn::Tile tile_;        // that of the last prediction
  std::vector<double> output_;
};

// The partition with its predictions behind its own columns.
Result<table::Batch> PredictPartition(const learn::Model& model, table::Batch batch,
                                      PredictionStream& predictions) {
  const std::vector<table::Field> fields = PredictionFields(model);
  std::vector<table::ColumnBuilder> builders;
  for (const table::Field& field : fields) builders.emplace_back(field);
  for (std::size_t row = 0; row < batch.rows; ++row) {
    DML_TRY(const std::span<const double> output, predictions.Next());
    if (!output.empty()) {
      AppendRow(model, output, builders);
      continue;
    }
    for (table::ColumnBuilder& builder : builders) builder.AppendMissing();
  }
  for (std::size_t i = 0; i < fields.size(); ++i) batch.Set(fields[i], builders[i].Finish());
  return batch;
}

void ReportUnanswered(const RowView& rows, plugins::StepContext& context) {
  if (rows.dropped().empty()) return;
  const DroppedRows dropped = DescribeDropped(rows);
  context.metrics["dropped"] = dropped.rows;
  if (dropped.rows == 0) return;
  context.warnings.push_back(fmt::format(
      "{} {} no prediction: the preprocessing of the model drops {} ({})", dropped.share,
      dropped.rows == 1 ? "has" : "have", dropped.rows == 1 ? "it" : "them", dropped.by));
}

// It may be the prediction of another model.
Error ColumnIsTaken(const std::string& name) {
  return Error::Invalid(
      fmt::format("the rows already have a column '{}', which the prediction would replace", name),
      fmt::format("give it another name first: uses: preprocess.rename, with: {{columns: {{{0}: "
                  "{0}_before}}}}, or remove it with preprocess.drop",
                  name));
}

Result<void> Predict(const PredictParams&, plugins::StepContext& context) {
  DML_TRY(const Artifact* data_input, context.Input("data"));
  DML_TRY(const learn::LoadedModel loaded, OpenModel(context));
  const learn::Model& model = loaded.model;
  DML_TRY(const table::Table table, table::Table::Open(data_input->files));
  DML_TRY(const RowView rows, RowsForModel(model, table, context));
  DML_TRY(const auto matrix, MatrixForModel(model, table, rows));
  table::Schema schema = table.schema();
  for (const table::Field& field : PredictionFields(model)) {
    if (schema.IndexOf(field.name) >= 0) return ColumnIsTaken(field.name);
    schema.fields.push_back(field);
  }
  DML_TRY(const std::string directory, context.OutputDirectory("data"));
  table::TableWriter writer(directory, schema);
  PredictionStream predictions(model, *matrix);
  for (std::size_t p = 0; p < table.partition_count(); ++p) {
    DML_TRY(table::Batch raw, table.Read(p));
    DML_TRY(const table::Batch batch, PredictPartition(model, std::move(raw), predictions));
    DML_RETURN_IF_ERROR(writer.Write(p, batch));
  }
  context.metrics["rows"] = table.rows();
  ReportUnanswered(rows, context);
  return writer.Finish();
}

}  // namespace

void RegisterPredictSteps(plugins::StepRegistry& registry) {
  StepSpec predict;
  predict.name = "predict";
  predict.summary = "Apply a model to raw rows; predictions stand behind the columns of the table";
  predict.inputs = {ModelPort("the model"),
                    TablePort("data", "rows with the columns the model was trained on")};
  predict.outputs = {TablePort("data",
                               "the rows with prediction, and probabilities per class; "
                               "empty where the preprocessing of the model drops the row")};
  predict.metrics = std::vector<MetricSpec>{RowsMetric(), DroppedMetric()};
  registry.Add(MakeStepType(std::move(predict), plugins::ParamSchema<PredictParams>(), Predict));
}

}  // namespace dml::steps

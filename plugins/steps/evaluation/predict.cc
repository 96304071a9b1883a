#include <fmt/format.h>

#include <algorithm>

#include "plugins/steps/evaluation/model_rows.h"
#include "plugins/steps/register.h"
#include "plugins/steps/step_type.h"
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

// The partition with its predictions behind its own columns.
Result<table::Batch> PredictPartition(const learn::Model& model, const table::Table& table,
                                      const DesignMatrix& matrix, std::size_t partition,
                                      std::uint64_t first_row) {
  DML_TRY(table::Batch batch, table.Read(partition));
  const std::vector<table::Field> fields = PredictionFields(model);
  std::vector<table::ColumnBuilder> builders;
  for (const table::Field& field : fields) builders.emplace_back(field);
  const std::size_t width = model.predictor->outputs();
  learn::Tile tile;
  std::vector<double> output;
  for (std::uint64_t row = first_row; row < first_row + batch.rows;) {
    DML_RETURN_IF_ERROR(matrix.Read(static_cast<std::size_t>(row / learn::kTileRows), tile));
    output.resize(tile.rows * width);
    model.predictor->Predict(tile, output);
    const std::uint64_t end = std::min(tile.first_row + tile.rows, first_row + batch.rows);
    for (; row < end; ++row) {
      const std::size_t at = static_cast<std::size_t>(row - tile.first_row) * width;
      AppendRow(model, std::span<const double>(output).subspan(at, width), builders);
    }
  }
  for (std::size_t i = 0; i < fields.size(); ++i) batch.Set(fields[i], builders[i].Finish());
  return batch;
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
  DML_TRY(const auto matrix, RowsForModel(model, table));
  table::Schema schema = table.schema();
  for (const table::Field& field : PredictionFields(model)) {
    if (schema.IndexOf(field.name) >= 0) return ColumnIsTaken(field.name);
    schema.fields.push_back(field);
  }
  DML_TRY(const std::string directory, context.OutputDirectory("data"));
  table::TableWriter writer(directory, schema);
  std::uint64_t first_row = 0;
  for (std::size_t p = 0; p < table.partition_count(); ++p) {
    DML_TRY(const table::Batch batch, PredictPartition(model, table, *matrix, p, first_row));
    first_row += batch.rows;
    DML_RETURN_IF_ERROR(writer.Write(p, batch));
  }
  context.metrics["rows"] = table.rows();
  return writer.Finish();
}

}  // namespace

void RegisterPredictSteps(plugins::StepRegistry& registry) {
  StepSpec predict;
  predict.name = "predict";
  predict.summary = "Apply a model to raw rows; predictions stand behind the columns of the table";
  predict.inputs = {ModelPort("the model"),
                    TablePort("data", "rows with the columns the model was trained on")};
  predict.outputs = {TablePort("data", "the rows with prediction, and probabilities per class")};
  predict.metrics = std::vector<MetricSpec>{RowsMetric()};
  registry.Add(MakeStepType(std::move(predict), plugins::ParamSchema<PredictParams>(), Predict));
}

}  // namespace dml::steps

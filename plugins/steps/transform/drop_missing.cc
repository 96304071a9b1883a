// preprocess.drop_missing: rows go, so it cannot be part of a model.

#include "plugins/steps/column_forecasts.h"
#include "plugins/steps/register.h"
#include "plugins/steps/split/select_rows.h"
#include "plugins/steps/step_type.h"
#include "plugins/steps/transform/preprocess_steps.h"
#include "plugins/steps/transform/transform.h"

namespace dml::steps {

namespace {

enum class How { kAny, kAll };

struct DropMissingParams {
  plugins::Columns columns{"all", {}};
  How how = How::kAny;
};

// Which rows of a batch lack a value in any, or in all, of its columns.
std::vector<bool> FindMissing(const table::Batch& batch, How how) {
  std::vector<bool> gone(batch.rows, how == How::kAll && !batch.columns.empty());
  for (const table::Column& column : batch.columns) {
    for (std::size_t row = 0; row < batch.rows; ++row) {
      if (how == How::kAny && !column.IsValid(row)) gone[row] = true;
      if (how == How::kAll && column.IsValid(row)) gone[row] = false;
    }
  }
  return gone;
}

Result<void> DropMissing(const DropMissingParams& params, plugins::StepContext& context) {
  DML_TRY(const Artifact* input, context.Input("data"));
  DML_TRY(const table::Table table, table::Table::Open(input->files));
  DML_TRY(const auto columns, ResolveColumns(params.columns, table.schema()));
  std::vector<bool> gone;
  for (std::size_t p = 0; p < table.partition_count() && !columns.empty(); ++p) {
    DML_TRY(const table::Batch batch, table.Read(p, columns));
    const std::vector<bool> part = FindMissing(batch, params.how);
    gone.insert(gone.end(), part.begin(), part.end());
  }
  gone.resize(table.rows());
  DML_TRY(const auto rows,
          WriteSelections(table, {{"data", [&gone](std::uint64_t row) { return !gone[row]; }}},
                          context));
  context.metrics["rows"] = rows[0];
  context.metrics["dropped"] = table.rows() - rows[0];
  return {};
}

}  // namespace

void RegisterDropMissing(plugins::StepRegistry& registry) {
  plugins::ParamSchema<DropMissingParams> schema;
  schema.Add("columns", &DropMissingParams::columns, "columns to look at")
      .AddEnum("how", &DropMissingParams::how, {{"any", How::kAny}, {"all", How::kAll}},
               "drop a row that lacks any of them, or all of them");
  StepSpec spec;
  spec.name = "preprocess.drop_missing";
  spec.summary = "Drop rows with missing values";
  spec.inputs = {TablePort("data", "the rows to look through")};
  spec.table_only = "it drops rows, and a model has to answer for every row that it is given";
  spec.outputs = {TablePort("data", "the rows that are left, in the same order")};
  spec.metrics = std::vector<MetricSpec>{RowsMetric(), {"dropped", "rows that are gone"}};
  spec.columns = SameColumns;
  spec.row_local = true;
  registry.Add(MakeStepType(std::move(spec), schema, DropMissing));
}

}  // namespace dml::steps

#include "plugins/table/sql/deduplicate.h"

#include <atomic>
#include <set>

#include "plugins/steps/column_forecasts.h"
#include "plugins/steps/load/load_result.h"
#include "plugins/steps/relational/relational_steps.h"
#include "plugins/steps/relational/sql_context.h"
#include "plugins/steps/step_type.h"
#include "plugins/table/parallel_partitions.h"

namespace dml::steps {

namespace {

struct DeduplicateParams {
  std::vector<plugins::ColumnName> columns;
  sql::Keep keep = sql::Keep::kFirst;
};

Result<void> Deduplicate(const DeduplicateParams& params, plugins::StepContext& context) {
  DML_TRY(const table::Table data, InputTable(context, "data"));
  std::vector<std::string> keys;
  for (const plugins::ColumnName& column : params.columns) keys.push_back(column.name);
  if (keys.empty()) keys = data.schema().Names();
  DML_TRY(
      const sql::Duplicates duplicates,
      sql::Duplicates::Find(data, keys, {context.scratch_dir, context.memory_bytes, context.stop}));
  DML_TRY(const std::string directory, context.OutputDirectory("data"));
  table::TableWriter writer(directory, data.schema());
  std::atomic<std::uint64_t> kept{0};
  DML_RETURN_IF_ERROR(table::ForEachPartition(
      data.partition_count(), ExecutionOf(context), [&](std::size_t p) -> Result<void> {
        const std::vector<std::uint32_t> rows = duplicates.Kept(p, params.keep);
        DML_TRY(const table::Batch batch, data.Read(p));
        kept += rows.size();
        return writer.Write(p, batch.Take(rows));
      }));
  DML_RETURN_IF_ERROR(writer.Finish());
  context.metrics["dropped"] = data.rows() - kept;
  ReportRows(kept, "no row is left", context);
  return {};
}

}  // namespace

plugins::StepType DeduplicateStep() {
  StepSpec spec;
  spec.name = "deduplicate";
  spec.summary = "Keep one of the rows that have the same values";
  spec.formula = "rows are equal if their columns are; missing equals missing";
  spec.inputs = {TablePort("data", "the rows to look through")};
  spec.table_only = "it chooses rows by those beside them, and a model judges every row by itself";
  spec.outputs = {TablePort("data", "the rows kept, in order")};
  spec.metrics = std::vector<MetricSpec>{RowsMetric(), {"dropped", "rows that are gone"}};
  spec.columns = SameColumns;
  plugins::ParamSchema<DeduplicateParams> schema;
  schema
      .Add("columns", &DeduplicateParams::columns,
           "columns by which rows are equal; all unless given")
      .AddEnum(
          "keep", &DeduplicateParams::keep,
          {{"first", sql::Keep::kFirst}, {"last", sql::Keep::kLast}, {"none", sql::Keep::kNone}},
          "which of the equal rows stays; none drops all of them");
  schema.Check([](const DeduplicateParams& params, plugins::Problems& problems) {
    std::set<std::string> names;
    for (std::size_t i = 0; i < params.columns.size(); ++i) {
      const std::string& name = params.columns[i].name;
      if (names.insert(name).second) continue;
      problems.Add("/columns/" + std::to_string(i), "the column '" + name + "' is listed twice",
                   "name it once");
    }
  });
  return MakeStepType(std::move(spec), schema, Deduplicate);
}

}  // namespace dml::steps

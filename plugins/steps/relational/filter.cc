#include "plugins/steps/relational/filter.h"

#include <atomic>

#include "plugins/steps/column_forecasts.h"
#include "plugins/steps/load/load_result.h"
#include "plugins/steps/relational/relational_steps.h"
#include "plugins/steps/step_type.h"
#include "plugins/table/parallel_partitions.h"
#include "plugins/table/sql/row_expressions.h"

namespace dml::steps {

namespace {

Result<void> Filter(const FilterParams& params, plugins::StepContext& context) {
  DML_TRY(const table::Table data, InputTable(context, "data"));
  const sql::UserText where{"where", params.where.sql};
  const sql::ConnectionOptions options = SqlOptionsOf(context);
  DML_RETURN_IF_ERROR(CheckFilter(params, data.schema(), options));
  WarnOfSuspects({where}, data.schema(), context);
  DML_TRY(const std::string directory, context.OutputDirectory("data"));
  table::TableWriter writer(directory, data.schema());
  std::atomic<std::uint64_t> kept{0};
  DML_RETURN_IF_ERROR(table::ForEachPartition(
      data.partition_count(), ExecutionOf(context), [&](std::size_t p) -> Result<void> {
        DML_TRY(const std::vector<std::uint32_t> rows,
                sql::SelectRows(sql::RowSource(data, p, p + 1), where, options));
        DML_TRY(const table::Batch batch, data.Read(p));
        kept += rows.size();
        return writer.Write(p, batch.Take(rows));
      }));
  DML_RETURN_IF_ERROR(writer.Finish());
  context.metrics["dropped"] = data.rows() - kept;
  ReportRows(kept, "where: no row is left", context);
  return {};
}

}  // namespace

plugins::ParamSchema<FilterParams> FilterSchema() {
  plugins::ParamSchema<FilterParams> schema;
  schema.Add("where", &FilterParams::where, "SQL expression over the columns of a row").Required();
  return schema;
}

plugins::ParamSchema<FilterParams> FilterSchemaWithSql() {
  plugins::ParamSchema<FilterParams> schema = FilterSchema();
  schema.Check([](const FilterParams& params, plugins::Problems& problems) {
    CheckSql(params.where, sql::TextRole::kRowExpression, "/where", problems);
  });
  return schema;
}

std::vector<UnknownColumn> UnknownInFilter(const Json& params,
                                           const std::vector<std::string>& input) {
  const auto where = params.find("where");
  if (where == params.end()) return {};
  return UnknownIn(*where, sql::TextRole::kRowExpression, "/where", input);
}

Result<void> CheckFilter(const FilterParams& params, const table::Schema& schema,
                         const sql::ConnectionOptions& options) {
  const sql::UserText where{"where", params.where.sql};
  DML_RETURN_IF_ERROR(sql::CheckExpressions(schema, {where}, options));
  return RefuseTextComparisons({where}, schema);
}

plugins::StepType FilterStep() {
  StepSpec spec;
  spec.name = "filter";
  spec.algorithm_version = 2;
  spec.summary = kFilterSummary;
  spec.formula = "rows where the expression is neither false, 0 nor missing";
  spec.inputs = {TablePort("data", "the rows to choose from")};
  spec.outputs = {TablePort("data", "the rows kept, in order")};
  spec.metrics = std::vector<MetricSpec>{RowsMetric(), {"dropped", "rows that are gone"}};
  spec.columns = SameColumns;
  spec.check_columns = UnknownInFilter;
  spec.row_local = true;
  plugins::StepType type = MakeStepType(std::move(spec), FilterSchema(), Filter);
  // Not a rule of the step itself, which judges the text with the table at hand.
  type.spec.check = FilterSchemaWithSql().check();
  return type;
}

}  // namespace dml::steps

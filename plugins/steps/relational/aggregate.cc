#include "plugins/steps/load/load_params.h"
#include "plugins/steps/relational/relational_steps.h"
#include "plugins/steps/relational/sql_context.h"
#include "plugins/steps/step_type.h"

namespace dml::steps {

namespace {

struct AggregateParams {
  std::vector<plugins::ColumnName> by;
  std::map<std::string, plugins::Expression> columns;
  Json types = Json::object();
};

Result<void> Aggregate(const AggregateParams& params, plugins::StepContext& context) {
  DML_TRY(const table::Table data, InputTable(context, "data"));
  NamedExpressions expressions = ExpressionsOf(params.columns);
  WarnOfSuspects(expressions.texts, data.schema(), context);
  sql::Aggregation aggregation;
  for (const plugins::ColumnName& key : params.by) aggregation.by.push_back(key.name);
  aggregation.columns = std::move(expressions.texts);
  aggregation.names = std::move(expressions.names);
  DML_TRY(const auto types, ColumnTypesOf(params.types));
  DML_TRY(const std::string directory, context.OutputDirectory("data"));
  DML_TRY(const sql::QueryResult result,
          sql::Aggregate(aggregation, data, types, SqlOptionsOf(context), directory));
  ReportRows(result.rows, "the data has no rows, so there are no groups", context);
  return {};
}

}  // namespace

plugins::StepType AggregateStep() {
  StepSpec spec;
  spec.name = "aggregate";
  spec.summary = "One row for each group of rows, computed by SQL aggregates";
  spec.formula = "SELECT by, columns FROM data GROUP BY by ORDER BY by";
  spec.inputs = {TablePort("data", "the rows to group")};
  spec.outputs = {TablePort("data", "a row for each group, sorted by its key")};
  plugins::ParamSchema<AggregateParams> schema;
  schema
      .Add("by", &AggregateParams::by,
           "columns whose equal values make a group, a missing value among them; none: all rows "
           "are one group")
      .Add("columns", &AggregateParams::columns,
           "{name: SQL expression of aggregates}, such as {spent: \"sum(price)\"}")
      .Required()
      .AddJson("types", &AggregateParams::types, ColumnTypesSpec(), kTypesDoc);
  return MakeStepType(std::move(spec), schema, Aggregate);
}

}  // namespace dml::steps

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <set>

#include "plugins/steps/column_forecasts.h"
#include "plugins/steps/load/load_params.h"
#include "plugins/steps/relational/relational_steps.h"
#include "plugins/steps/relational/sql_context.h"
#include "plugins/steps/step_type.h"
#include "plugins/table/sql/visible_columns.h"

namespace dml::steps {

namespace {

struct AggregateParams {
  std::vector<plugins::ColumnName> by;
  ExpressionList columns;
  Json types = Json::object();
};

void CheckResult(const AggregateParams& params, plugins::Problems& problems) {
  if (params.by.empty() && params.columns.empty()) {
    problems.Add("/columns", "nothing is to be computed", "such as {rows: \"count(*)\"}");
  }
  const std::size_t width = params.by.size() + params.columns.size();
  if (width > sql::kColumnsMax) {
    problems.Add(
        "/columns",
        fmt::format("the result has {} columns, and may have at most {}", width, sql::kColumnsMax),
        "compute them in several steps, and join these by the key");
  }
  std::set<std::string> names;
  for (std::size_t i = 0; i < params.by.size(); ++i) {
    if (names.insert(params.by[i].name).second) continue;
    problems.Add(fmt::format("/by/{}", i),
                 fmt::format("the column '{}' is listed twice", params.by[i].name), "name it once");
  }
  for (std::size_t i = 0; i < params.columns.size(); ++i) {
    const std::string& name = params.columns[i].first;
    if (names.insert(name).second) continue;
    problems.Add(fmt::format("/columns/{}/0", i),
                 fmt::format("two columns of the result are called '{}'", name),
                 "give this one another name");
  }
  for (const auto& [name, type] : params.types.items()) {
    if (names.contains(name)) continue;
    problems.Add("/types/" + name, fmt::format("types: the result has no column '{}'", name),
                 fmt::format("its columns are {}", fmt::join(names, ", ")));
  }
}

Result<void> Aggregate(const AggregateParams& params, plugins::StepContext& context) {
  DML_TRY(const table::Table data, InputTable(context, "data"));
  NamedExpressions expressions = ExpressionsOf(params.columns);
  DML_RETURN_IF_ERROR(RefuseTextComparisons(expressions.texts, data.schema()));
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

ColumnNames ColumnsOfGroups(const Json& params, const std::vector<std::string>&) {
  const Json by = params.value("by", Json::array());
  if (!by.is_array()) return std::nullopt;
  std::vector<std::string> keys;
  for (const Json& key : by) {
    if (!key.is_string()) return std::nullopt;
    keys.push_back(key);
  }
  return WithNewColumns(params, keys);
}

}  // namespace

plugins::StepType AggregateStep() {
  StepSpec spec;
  spec.name = "aggregate";
  spec.algorithm_version = 2;
  spec.summary = "One row for each group of rows, computed by SQL aggregates";
  spec.formula = "SELECT by, columns FROM data GROUP BY by ORDER BY by";
  spec.inputs = {TablePort("data", "the rows to group")};
  spec.table_only = "it makes other rows, and a model has to answer for every row that it is given";
  spec.outputs = {TablePort("data", "a row for each group, sorted by its key")};
  spec.metrics = std::vector<MetricSpec>{RowsMetric()};
  spec.columns = ColumnsOfGroups;
  spec.check_columns = [](const Json& params, const std::vector<std::string>& input) {
    return UnknownInColumns(params, sql::TextRole::kGroupExpression, input);
  };
  plugins::ParamSchema<AggregateParams> schema;
  schema
      .Add("by", &AggregateParams::by,
           "columns whose equal values make a group, a missing value among them; none: all rows "
           "are one group")
      .Add("columns", &AggregateParams::columns,
           "{name: SQL expression of aggregates}, such as {spent: \"sum(price)\"}")
      .Required()
      .AddJson("types", &AggregateParams::types, ColumnTypesSpec(), kTypesDoc);
  schema.Check(CheckResult);
  plugins::StepType type = MakeStepType(std::move(spec), schema, Aggregate);
  schema.Check([](const AggregateParams& params, plugins::Problems& problems) {
    CheckColumns(params.columns, sql::TextRole::kGroupExpression, problems);
  });
  type.spec.check = schema.check();
  return type;
}

}  // namespace dml::steps

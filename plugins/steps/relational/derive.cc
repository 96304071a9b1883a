#include "plugins/steps/relational/derive.h"

#include <fmt/format.h>

#include <algorithm>

#include "plugins/steps/column_forecasts.h"
#include "plugins/steps/load/load_params.h"
#include "plugins/steps/load/load_result.h"
#include "plugins/steps/relational/relational_steps.h"
#include "plugins/steps/step_type.h"
#include "plugins/table/parallel_partitions.h"
#include "plugins/table/sql/row_expressions.h"

namespace dml::steps {

namespace {

// The column that an expression names, if it is but a name.
std::string PlainName(const std::string& expression) {
  const std::vector<sql::Token> tokens = sql::Tokenize(expression);
  if (tokens.size() != 1) return {};
  const std::string word = expression.substr(tokens[0].begin, tokens[0].end - tokens[0].begin);
  return tokens[0].kind == sql::Token::Kind::kName ? sql::Unquote(word) : word;
}

constexpr char kNotEachOther[] =
    "expressions see the columns of the input, not each other: put another derive behind this one";

// A column that is derived by this step too is the usual cause of an unknown name.
Error Explained(Error error, const NamedExpressions& expressions) {
  for (const std::string& name : expressions.names) {
    if (error.message.find(fmt::format("there is no column '{}'", name)) == std::string::npos) {
      continue;
    }
    error.hint = kNotEachOther;
  }
  return error;
}

void CheckTypes(const DeriveParams& params, plugins::Problems& problems) {
  if (params.columns.empty()) {
    problems.Add("/columns", "no column is to be derived", "such as {total: \"price * count\"}");
  }
  for (const auto& [name, type] : params.types.items()) {
    if (std::ranges::count(params.columns, name, &ExpressionList::value_type::first) > 0) continue;
    problems.Add("/types/" + name,
                 fmt::format("types: '{}' is not among the columns that are derived", name),
                 "the step cast changes the type of a column that is there");
  }
}

Result<void> Derive(const DeriveParams& params, plugins::StepContext& context) {
  DML_TRY(const table::Table data, InputTable(context, "data"));
  const NamedExpressions expressions = ExpressionsOf(params.columns);
  const sql::ConnectionOptions options = SqlOptionsOf(context);
  DML_TRY(const std::vector<sql::ResultColumn> columns,
          DerivedColumns(params, expressions, data.schema(), options));
  WarnOfSuspects(expressions.texts, data.schema(), context);

  sql::ResultSet results(columns, options.scratch_dir, options.memory_bytes);
  const std::size_t partitions = data.partition_count();
  const auto evaluate = [&](std::size_t p) -> Result<void> {
    sql::ResultChunk chunk = results.NewChunk();
    DML_RETURN_IF_ERROR(
        sql::EvaluateRows(sql::RowSource(data, p, p + 1), expressions.texts, options, chunk));
    return results.Add(p, std::move(chunk));
  };
  DML_RETURN_IF_ERROR(table::ForEachPartition(partitions, ExecutionOf(context), evaluate));
  DML_TRY(const table::Schema derived, results.Settle());
  table::Batch shape{data.schema(), {}, 0, 0};
  for (const table::Field& field : derived.fields) {
    const int at = shape.schema.IndexOf(field.name);
    if (at < 0) {
      shape.schema.fields.push_back(field);
    } else {
      shape.schema.fields[static_cast<std::size_t>(at)] = field;
    }
  }
  DML_TRY(const std::string directory, context.OutputDirectory("data"));
  table::TableWriter writer(directory, shape.schema);
  DML_RETURN_IF_ERROR(
      table::ForEachPartition(partitions, ExecutionOf(context), [&](std::size_t p) -> Result<void> {
        DML_TRY(table::Batch batch, data.Read(p));
        DML_TRY(const table::Batch added, results.Take(p));
        for (std::size_t i = 0; i < derived.fields.size(); ++i) {
          batch.Set(derived.fields[i], added.columns[i]);
        }
        return writer.Write(p, batch);
      }));
  context.metrics["rows"] = data.rows();
  return writer.Finish();
}

}  // namespace

plugins::ParamSchema<DeriveParams> DeriveSchema() {
  plugins::ParamSchema<DeriveParams> schema;
  schema
      .Add("columns", &DeriveParams::columns,
           "{name: SQL expression over the columns of a row}; added in the order written")
      .Required()
      .AddJson("types", &DeriveParams::types, ColumnTypesSpec(), kTypesDoc)
      .Check(CheckTypes);
  return schema;
}

plugins::ParamSchema<DeriveParams> DeriveSchemaWithSql() {
  plugins::ParamSchema<DeriveParams> schema = DeriveSchema();
  schema.Check([](const DeriveParams& params, plugins::Problems& problems) {
    CheckColumns(params.columns, sql::TextRole::kRowExpression, problems);
  });
  return schema;
}

std::vector<UnknownColumn> UnknownInDerive(const Json& params,
                                           const std::vector<std::string>& input) {
  std::vector<UnknownColumn> found = UnknownInColumns(params, sql::TextRole::kRowExpression, input);
  if (found.empty()) return found;
  for (const Json& entry : params.at("columns")) {
    for (UnknownColumn& unknown : found) {
      if (entry.is_array() && !entry.empty() && entry[0] == unknown.name) {
        unknown.hint = kNotEachOther;
      }
    }
  }
  return found;
}

Result<std::vector<sql::ResultColumn>> DerivedColumns(const DeriveParams& params,
                                                      const NamedExpressions& expressions,
                                                      const table::Schema& schema,
                                                      const sql::ConnectionOptions& options) {
  auto checked = sql::CheckExpressions(schema, expressions.texts, options);
  if (!checked.ok()) return Explained(std::move(checked).error(), expressions);
  DML_RETURN_IF_ERROR(RefuseTextComparisons(expressions.texts, schema));
  DML_TRY(const auto types, ColumnTypesOf(params.types));
  std::vector<sql::ResultColumn> columns;
  for (std::size_t i = 0; i < expressions.names.size(); ++i) {
    sql::ResultColumn& column = columns.emplace_back(sql::ResultColumn{expressions.names[i]});
    const auto wanted = types.find(column.name);
    column.insists = wanted != types.end();
    if (column.insists) {
      column.type = wanted->second;
    } else if (const int source = schema.IndexOf(PlainName(expressions.texts[i].sql));
               source >= 0) {
      column.type = schema.fields[static_cast<std::size_t>(source)].type;
    }
  }
  return columns;
}

plugins::StepType DeriveStep() {
  StepSpec spec;
  spec.name = "derive";
  spec.algorithm_version = 2;
  spec.summary = kDeriveSummary;
  spec.formula = kDeriveFormula;
  spec.inputs = {TablePort("data", "the rows to compute with")};
  spec.outputs = {TablePort("data", "the same rows with the new columns")};
  spec.metrics = std::vector<MetricSpec>{RowsMetric()};
  spec.columns = WithNewColumns;
  spec.check_columns = UnknownInDerive;
  spec.row_local = true;
  plugins::StepType type = MakeStepType(std::move(spec), DeriveSchema(), Derive);
  // Not a rule of the step itself, which judges the expressions with the table at hand.
  type.spec.check = DeriveSchemaWithSql().check();
  return type;
}

}  // namespace dml::steps

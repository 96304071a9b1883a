#include <fmt/format.h>

#include <algorithm>

#include "plugins/steps/load/load_params.h"
#include "plugins/steps/load/load_result.h"
#include "plugins/steps/relational/relational_steps.h"
#include "plugins/steps/relational/sql_context.h"
#include "plugins/steps/step_type.h"
#include "plugins/table/parallel_partitions.h"
#include "plugins/table/sql/row_expressions.h"

namespace dml::steps {

namespace {

struct DeriveParams {
  ExpressionList columns;
  Json types = Json::object();
};

Result<std::vector<sql::ResultColumn>> ResultColumnsOf(const DeriveParams& params,
                                                       const NamedExpressions& expressions) {
  DML_TRY(const auto types, ColumnTypesOf(params.types));
  std::vector<sql::ResultColumn> columns;
  for (const std::string& name : expressions.names) {
    sql::ResultColumn& column = columns.emplace_back(sql::ResultColumn{name});
    if (const auto wanted = types.find(name); wanted != types.end()) {
      column.type = wanted->second;
      column.insists = true;
    }
  }
  return columns;
}

// The column that an expression names, if it is but a name.
std::string PlainName(const std::string& expression) {
  const std::vector<sql::Token> tokens = sql::Tokenize(expression);
  if (tokens.size() != 1) return {};
  const std::string word = expression.substr(tokens[0].begin, tokens[0].end - tokens[0].begin);
  return tokens[0].kind == sql::Token::Kind::kName ? sql::Unquote(word) : word;
}

// An expression that is the name of a column keeps its type.
void KeepTypes(const table::Schema& schema, const NamedExpressions& expressions,
               std::vector<sql::ResultColumn>& columns) {
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const int source = schema.IndexOf(PlainName(expressions.texts[i].sql));
    if (source < 0 || columns[i].type) continue;
    columns[i].type = schema.fields[static_cast<std::size_t>(source)].type;
  }
}

// A column that is derived by this step too is the usual cause of an unknown name.
Error Explained(Error error, const NamedExpressions& expressions) {
  for (const std::string& name : expressions.names) {
    if (error.message.find(fmt::format("there is no column '{}'", name)) == std::string::npos) {
      continue;
    }
    error.hint =
        "expressions see the columns of the input, not each other: put another derive "
        "behind this one";
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
  auto checked = sql::CheckExpressions(data, expressions.texts, options);
  if (!checked.ok()) return Explained(std::move(checked).error(), expressions);
  DML_RETURN_IF_ERROR(RefuseTextComparisons(expressions.texts, data.schema()));
  WarnOfSuspects(expressions.texts, data.schema(), context);
  DML_TRY(std::vector<sql::ResultColumn> columns, ResultColumnsOf(params, expressions));
  KeepTypes(data.schema(), expressions, columns);

  sql::ResultSet results(columns, options.scratch_dir, options.memory_bytes);
  const std::size_t partitions = data.partition_count();
  const auto evaluate = [&](std::size_t p) -> Result<void> {
    sql::ResultChunk chunk = results.NewChunk();
    DML_RETURN_IF_ERROR(sql::EvaluateRows(data, p, expressions.texts, options, chunk));
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

plugins::StepType DeriveStep() {
  StepSpec spec;
  spec.name = "derive";
  spec.summary = "Add columns computed by SQL expressions, or replace columns by them";
  spec.formula = "column = expression over the columns of the same row";
  spec.inputs = {TablePort("data", "the rows to compute with")};
  spec.table_only =
      "its SQL is evaluated on tables, and a model has to apply what it contains to single rows "
      "anywhere";
  spec.outputs = {TablePort("data", "the same rows with the new columns")};
  spec.row_local = true;
  plugins::ParamSchema<DeriveParams> schema;
  schema
      .Add("columns", &DeriveParams::columns,
           "{name: SQL expression over the columns of a row}; added in the order written")
      .Required()
      .AddJson("types", &DeriveParams::types, ColumnTypesSpec(), kTypesDoc);
  schema.Check(CheckTypes);
  plugins::StepType type = MakeStepType(std::move(spec), schema, Derive);
  schema.Check([](const DeriveParams& params, plugins::Problems& problems) {
    CheckColumns(params.columns, sql::TextRole::kRowExpression, problems);
  });
  type.spec.check = schema.check();
  return type;
}

}  // namespace dml::steps

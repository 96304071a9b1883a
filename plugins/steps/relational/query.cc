#include "plugins/table/sql/query.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <map>
#include <set>

#include "plugins/steps/load/load_params.h"
#include "plugins/steps/relational/relational_steps.h"
#include "plugins/steps/relational/sql_context.h"
#include "plugins/steps/step_type.h"
#include "plugins/table/sql/text_comparison.h"

namespace dml::steps {

namespace {

struct QueryParams {
  plugins::Expression sql;
  Json types = Json::object();
};

struct LoadSqliteParams {
  plugins::InputPath path;
  plugins::Expression query;
  Json types = Json::object();
};

Result<void> Run(const sql::UserText& text, const std::vector<sql::NamedTable>& tables,
                 const Json& types, const sql::ConnectionOptions& options,
                 plugins::StepContext& context) {
  DML_RETURN_IF_ERROR(sql::CheckQuery(text));
  DML_TRY(const auto wanted, ColumnTypesOf(types));
  DML_TRY(const std::string directory, context.OutputDirectory("data"));
  DML_TRY(const sql::QueryResult result, sql::RunQuery(std::move(sql::SqlText().AddQuery(text)),
                                                       tables, wanted, options, directory));
  ReportRows(result.rows, "the query returns no rows", context);
  return {};
}

// Columns that mean one thing in the whole query: of one kind in all tables, and no name that the
// query gives to something itself.
table::Schema PlainColumns(const sql::UserText& text, const std::vector<sql::NamedTable>& tables) {
  std::set<std::string> given;
  const std::vector<sql::Token> tokens = sql::Tokenize(text.sql);
  for (std::size_t i = 1; i < tokens.size(); ++i) {
    const auto word = [&](std::size_t at) {
      return text.sql.substr(tokens[at].begin, tokens[at].end - tokens[at].begin);
    };
    const std::string before = word(i - 1);
    if (before != "AS" && before != "as" && before != "As") continue;
    given.insert(tokens[i].kind == sql::Token::Kind::kName ? sql::Unquote(word(i)) : word(i));
  }
  std::map<std::string, table::Field> fields;
  for (const sql::NamedTable& named : tables) {
    for (const table::Field& field : named.table.schema().fields) {
      const auto [known, fresh] = fields.emplace(field.name, field);
      if (!fresh && known->second.type != field.type) given.insert(field.name);
    }
  }
  table::Schema plain;
  for (const auto& [name, field] : fields) {
    if (!given.contains(name)) plain.fields.push_back(field);
  }
  return plain;
}

Result<void> QuerySql(const QueryParams& params, plugins::StepContext& context) {
  std::vector<sql::NamedTable> tables;
  std::vector<std::string> columns;
  for (const Artifact& input : context.inputs) {
    DML_TRY(const table::Table table, table::Table::Open(input.files));
    for (const std::string& name : table.schema().Names()) columns.push_back(name);
    tables.push_back({input.port, table});
  }
  const sql::UserText text{"sql", params.sql.sql};
  for (std::string& warning : sql::SuspectTexts(text, columns)) {
    context.warnings.push_back(std::move(warning));
  }
  // A warning only: what a name means in a query is not known for certain from its text.
  if (const auto fault = sql::FindTextComparison(text.sql, PlainColumns(text, tables))) {
    context.warnings.push_back(fmt::format("sql: {}; {}", fault->message, fault->hint));
  }
  return Run(text, tables, params.types, SqlOptionsOf(context), context);
}

bool HoldsBytes(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && status.st_size > 0;
}

Result<void> LoadSqlite(const LoadSqliteParams& params, plugins::StepContext& context) {
  // What a writer has not merged yet lies beside the database, where the key of the task does not
  // see it.
  for (const char* beside : {"-wal", "-journal"}) {
    if (!HoldsBytes(params.path.path + beside)) continue;
    return Error::Invalid(fmt::format("'{}' has changes beside it in '{}{}'", params.path.path,
                                      params.path.path, beside),
                          "close the program that writes it, or run: sqlite3 FILE 'PRAGMA "
                          "wal_checkpoint(TRUNCATE)'");
  }
  sql::ConnectionOptions options = SqlOptionsOf(context);
  options.database = params.path.path;
  return Run({"query", params.query.sql}, {}, params.types, options, context);
}

}  // namespace

plugins::StepType QuerySqlStep() {
  StepSpec spec;
  spec.name = "query.sql";
  spec.summary = "Compute a table by a SELECT over the tables of other steps";
  spec.formula = "input: {orders: STEP, customers: STEP} names the tables; a single one is data";
  PortSpec tables = TablePort("data", "the tables, under any names");
  tables.named = true;
  spec.inputs = {tables};
  spec.outputs = {TablePort("data", "the rows of the result, in the order of the query")};
  spec.metrics = std::vector<MetricSpec>{RowsMetric()};
  plugins::ParamSchema<QueryParams> schema;
  schema.Add("sql", &QueryParams::sql, "one SELECT, in SQLite's SQL")
      .Required()
      .AddJson("types", &QueryParams::types, ColumnTypesSpec(), kTypesDoc);
  plugins::StepType type = MakeStepType(std::move(spec), schema, QuerySql);
  schema.Check([](const QueryParams& params, plugins::Problems& problems) {
    CheckSql(params.sql, sql::TextRole::kQuery, "/sql", problems);
  });
  type.spec.check = schema.check();
  return type;
}

plugins::StepType LoadSqliteStep() {
  StepSpec spec;
  spec.name = "load.sqlite";
  spec.summary = "Read the result of a SELECT over a SQLite database into a table";
  spec.outputs = {TablePort("data", "the rows of the result, in the order of the query")};
  spec.metrics = std::vector<MetricSpec>{RowsMetric()};
  plugins::ParamSchema<LoadSqliteParams> schema;
  schema.Add("path", &LoadSqliteParams::path, "the database file, which is only read")
      .Required()
      .Add("query", &LoadSqliteParams::query, "one SELECT")
      .Required()
      .AddJson("types", &LoadSqliteParams::types, ColumnTypesSpec(), kTypesDoc);
  plugins::StepType type = MakeStepType(std::move(spec), schema, LoadSqlite);
  schema.Check([](const LoadSqliteParams& params, plugins::Problems& problems) {
    CheckSql(params.query, sql::TextRole::kQuery, "/query", problems);
  });
  type.spec.check = schema.check();
  return type;
}

}  // namespace dml::steps

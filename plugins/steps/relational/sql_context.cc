#include "plugins/steps/relational/sql_context.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "plugins/table/sql/text_comparison.h"
#include "plugins/table/sql/unknown_columns.h"

namespace dml::steps {

Result<table::Table> InputTable(const plugins::StepContext& context, std::string_view port) {
  DML_TRY(const Artifact* input, context.Input(port));
  return table::Table::Open(input->files);
}

sql::ConnectionOptions SqlOptionsOf(const plugins::StepContext& context) {
  sql::ConnectionOptions options;
  options.scratch_dir = context.scratch_dir;
  options.memory_bytes = context.memory_bytes;
  options.stop = context.stop;
  return options;
}

NamedExpressions ExpressionsOf(const ExpressionList& columns) {
  NamedExpressions out;
  for (const auto& [name, expression] : columns) {
    out.names.push_back(name);
    out.texts.push_back({"columns." + name, expression.sql});
  }
  return out;
}

void CheckSql(const plugins::Expression& text, sql::TextRole role, const std::string& at,
              plugins::Problems& problems) {
  auto fault = sql::FindSyntaxFault(text.sql, role);
  if (!fault) return;
  ParamProblem problem{at, std::move(fault->message), std::move(fault->hint)};
  if (fault->placed) problem.offset = fault->begin;
  problems.Add(std::move(problem));
}

void CheckColumns(const ExpressionList& columns, sql::TextRole role, plugins::Problems& problems) {
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const std::string at = "/columns/" + std::to_string(i);
    if (columns[i].first.empty()) problems.Add(at + "/0", "a column needs a name");
    CheckSql(columns[i].second, role, at + "/1", problems);
  }
}

std::vector<UnknownColumn> UnknownIn(const Json& text, sql::TextRole role, const std::string& at,
                                     const std::vector<std::string>& input) {
  std::vector<UnknownColumn> found;
  if (!text.is_string()) return found;
  for (sql::UnknownName& unknown :
       sql::FindUnknownColumns(text.get_ref<const std::string&>(), role, input)) {
    found.push_back({at, std::move(unknown.name), unknown.begin, std::move(unknown.meant)});
  }
  return found;
}

std::vector<UnknownColumn> UnknownInColumns(const Json& params, sql::TextRole role,
                                            const std::vector<std::string>& input) {
  std::vector<UnknownColumn> found;
  const auto columns = params.find("columns");
  for (std::size_t i = 0; columns != params.end() && i < columns->size(); ++i) {
    const Json& entry = (*columns)[i];
    if (!entry.is_array() || entry.size() != 2) continue;
    std::ranges::move(UnknownIn(entry[1], role, fmt::format("/columns/{}/1", i), input),
                      std::back_inserter(found));
  }
  return found;
}

Result<void> RefuseTextComparisons(const std::vector<sql::UserText>& texts,
                                   const table::Schema& schema) {
  for (const sql::UserText& text : texts) {
    if (const auto fault = sql::FindTextComparison(text.sql, schema)) {
      return sql::ErrorOf(text, *fault);
    }
  }
  return {};
}

std::vector<std::string> SuspectTexts(const std::vector<sql::UserText>& texts,
                                      const table::Schema& schema) {
  std::vector<std::string> warnings;
  for (const sql::UserText& text : texts) {
    std::ranges::move(sql::SuspectTexts(text, schema.Names()), std::back_inserter(warnings));
  }
  return warnings;
}

void WarnOfSuspects(const std::vector<sql::UserText>& texts, const table::Schema& schema,
                    plugins::StepContext& context) {
  std::ranges::move(SuspectTexts(texts, schema), std::back_inserter(context.warnings));
}

void ReportRows(std::uint64_t rows, const std::string& why_none, plugins::StepContext& context) {
  context.metrics["rows"] = rows;
  if (rows == 0) context.warnings.push_back(why_none);
}

}  // namespace dml::steps

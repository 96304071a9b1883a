#include "plugins/steps/relational/expression_inputs.h"

#include <fmt/format.h>

#include <algorithm>

#include "plugins/steps/transform/cast_column.h"
#include "plugins/table/sql/names_in.h"

namespace dml::steps {

table::Schema MentionedColumns(const std::vector<sql::UserText>& texts,
                               const table::Schema& schema) {
  std::vector<std::string> names;
  for (const sql::UserText& text : texts) {
    for (const sql::Token& token : sql::Tokenize(text.sql)) {
      const std::string word = text.sql.substr(token.begin, token.end - token.begin);
      if (token.kind == sql::Token::Kind::kWord) names.push_back(word);
      if (token.kind == sql::Token::Kind::kName) names.push_back(sql::Unquote(word));
    }
  }
  table::Schema found;
  for (const table::Field& field : schema.fields) {
    const auto means = [&](const std::string& name) { return sql::IsSameName(name, field.name); };
    if (std::ranges::any_of(names, means)) found.fields.push_back(field);
  }
  return found;
}

Result<table::Batch> WithNumbersAs(const table::Schema& inputs, table::Batch batch,
                                   std::string_view transform) {
  for (const table::Field& field : inputs.fields) {
    const int index = batch.schema.IndexOf(field.name);
    if (index < 0) continue;
    const table::Column& column = batch.columns[static_cast<std::size_t>(index)];
    const bool whole = column.type() == table::ColumnType::kInt64;
    if (!column.IsNumeric() || whole == (field.type == table::ColumnType::kInt64)) continue;
    auto cast = CastColumn(column, field.type, batch.first_row);
    if (!cast.ok()) {
      return Error::Invalid(
          fmt::format("the column '{}' held whole numbers only when the model learnt: {}",
                      field.name, cast.error().message),
          fmt::format("train it with cast: {{columns: {{{}: float64}}}} before {}", field.name,
                      transform));
    }
    batch.Set(field, std::move(cast).value());
  }
  return batch;
}

}  // namespace dml::steps

#include "plugins/table/sql/visible_columns.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "plugins/table/sql/sql_text.h"

namespace dml::sql {

namespace {

std::string Lower(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  return text;
}

// What a statement says of columns, in lower case, as SQLite compares names.
struct Mentioned {
  std::set<std::string> names;
  bool all = false;  // without naming them
};

Mentioned MentionedIn(std::string_view sql) {
  Mentioned out;
  std::string before;
  for (const Token& token : Tokenize(sql)) {
    const std::string_view word = sql.substr(token.begin, token.end - token.begin);
    std::string name =
        token.kind == Token::Kind::kName ? Lower(Unquote(word)) : Lower(std::string(word));
    // Elsewhere a star multiplies, or counts rows.
    const bool lists = before == "select" || before == "distinct" || before == "all" ||
                       before == "," || before == ".";
    out.all = out.all || (word == "*" && lists) || name == "natural";
    if (token.kind == Token::Kind::kWord || token.kind == Token::Kind::kName) {
      out.names.insert(name);
    }
    before = std::move(name);
  }
  return out;
}

}  // namespace

Result<table::Schema> VisibleColumns(const table::Schema& schema, const std::string& name,
                                     std::string_view statement) {
  if (schema.fields.size() <= kColumnsMax) return schema;
  const Mentioned mentioned = MentionedIn(statement);
  if (mentioned.all) {
    return Error::Invalid(fmt::format("the table '{}' has {} columns, and a query takes all of at "
                                      "most {}",
                                      name, schema.fields.size(), kColumnsMax),
                          "name the columns that you need instead of * and NATURAL, or select "
                          "some of them first");
  }
  table::Schema visible;
  for (const table::Field& field : schema.fields) {
    if (mentioned.names.contains(Lower(field.name))) visible.fields.push_back(field);
  }
  if (visible.fields.size() > kColumnsMax) {
    return Error::Invalid(fmt::format("the SQL names {} columns of the table '{}', and may name at "
                                      "most {}",
                                      visible.fields.size(), name, kColumnsMax),
                          "compute it in parts, and then from these");
  }
  if (!visible.fields.empty()) return visible;
  // SQLite has no table without columns.
  const auto any = std::ranges::find_if(
      schema.fields, [](const auto& field) { return field.type != table::ColumnType::kSparse; });
  visible.fields.push_back(any == schema.fields.end() ? schema.fields.front() : *any);
  return visible;
}

}  // namespace dml::sql

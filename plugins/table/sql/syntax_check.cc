#include "plugins/table/sql/syntax_check.h"

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <vector>

#include "plugins/table/sql/connection.h"

namespace dml::sql {

namespace {

// Fewer than a table of SQLite may have columns; a text with more names is judged when it runs.
constexpr std::size_t kNamesMax = 1500;
constexpr std::size_t kTablesMax = 50;

std::string Lower(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  return text;
}

// Every word and quoted name that may be a column, each once: SQLite does not tell upper from lower
// case. What a row number is called stays what it is.
std::vector<std::string> NamesIn(std::string_view sql) {
  std::set<std::string> seen{"rowid", "oid", "_rowid_"};
  std::vector<std::string> names;
  for (const Token& token : Tokenize(sql)) {
    const std::string_view word = sql.substr(token.begin, token.end - token.begin);
    if (token.kind != Token::Kind::kWord && token.kind != Token::Kind::kName) continue;
    std::string name = token.kind == Token::Kind::kName ? Unquote(word) : std::string(word);
    if (!name.empty() && seen.insert(Lower(name)).second) names.push_back(std::move(name));
  }
  return names;
}

// Whether a fault is there for any tables: with what was made up for this check, SQLite may also
// complain of names that are ambiguous or missing.
bool HoldsForAnyTables(const Fault& fault) {
  constexpr std::array<std::string_view, 5> kAboutNames{
      "there is no column", "there is no table", "column '", "no such column", "no such table"};
  return std::ranges::none_of(
      kAboutNames, [&](std::string_view begin) { return fault.message.starts_with(begin); });
}

// The table that a fault says is not there.
std::string MissingTable(const Fault& fault) {
  constexpr std::string_view kBegin = "there is no table '";
  if (!fault.message.starts_with(kBegin)) return {};
  return fault.message.substr(kBegin.size(), fault.message.size() - kBegin.size() - 1);
}

SqlText StatementOf(std::string_view sql, TextRole role) {
  const UserText text{"", std::string(sql)};
  SqlText out;
  switch (role) {
    case TextRole::kRowExpression:
      out.Add("SELECT 1 FROM data WHERE ").AddExpression(text);
      break;
    case TextRole::kGroupExpression:
      out.Add("SELECT ").AddExpression(text).Add(" FROM data");
      break;
    case TextRole::kQuery:
      out.AddQuery(text);
      break;
  }
  return out;
}

}  // namespace

std::optional<Fault> FindSyntaxFault(std::string_view sql, TextRole role) {
  const bool is_query = role == TextRole::kQuery;
  if (auto fault = is_query ? FindQueryFault(sql) : FindExpressionFault(sql)) return fault;
  const std::vector<std::string> names = NamesIn(sql);
  if (names.size() > kNamesMax) return std::nullopt;
  ConnectionOptions options;
  options.reach = role == TextRole::kRowExpression ? Reach::kRow : Reach::kTable;
  const auto connection = Connection::Open(std::move(options));
  if (!connection.ok() || !(*connection)->AddEmptyTable("data", names).ok()) return std::nullopt;
  for (std::size_t i = 0; i < kTablesMax; ++i) {
    auto fault = (*connection)->FindFault(StatementOf(sql, role));
    if (!fault || HoldsForAnyTables(*fault)) return fault;
    const std::string table = MissingTable(*fault);
    if (table.empty() || !(*connection)->AddEmptyTable(table, names).ok()) break;
  }
  return std::nullopt;
}

}  // namespace dml::sql

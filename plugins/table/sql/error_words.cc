#include "plugins/table/sql/error_words.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <optional>
#include <set>

#include "base/name_list.h"
#include "base/suggest.h"

namespace dml::sql {

namespace {

// What follows `prefix`, if the message begins so.
std::optional<std::string> After(std::string_view message, std::string_view prefix) {
  if (!message.starts_with(prefix)) return std::nullopt;
  return std::string(message.substr(prefix.size()));
}

std::string Listed(std::string_view what, const std::vector<std::string>& names) {
  if (names.empty()) return {};
  return fmt::format("the {} are: {}", what, NameList(names));
}

bool IsPlainName(std::string_view name) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c >= '0' && c <= '9');
  };
  return !name.empty() && !(name[0] >= '0' && name[0] <= '9') && std::ranges::all_of(name, plain);
}

Words WordsOfUnknownColumn(const std::string& name, const std::vector<VisibleTable>& tables) {
  const std::string message = fmt::format("there is no column '{}'", name);
  const std::size_t dot = name.find('.');
  std::vector<std::string> columns;
  for (const VisibleTable& table : tables) {
    const bool qualified = dot != std::string::npos && name.substr(0, dot) == table.name;
    const std::string column = qualified ? name.substr(dot + 1) : name;
    for (const Connection::Hidden& hidden : table.hidden) {
      if (hidden.column == column)
        return {fmt::format("column '{}' {}", column, hidden.reason), ""};
    }
    if (qualified) {
      const std::string nearest = DidYouMean(column, table.columns);
      return {message,
              nearest.empty() ? Listed("columns of " + table.name, table.columns) : nearest};
    }
    columns.insert(columns.end(), table.columns.begin(), table.columns.end());
  }
  if (std::ranges::find(columns, name) != columns.end()) {
    return {message, fmt::format("write it in double quotes: {}", QuoteName(name))};
  }
  const std::string nearest = Nearest(name, columns);
  if (nearest.empty()) return {message, Listed("columns", columns)};
  return {message, fmt::format("did you mean {}?",
                               IsPlainName(nearest) ? "'" + nearest + "'" : QuoteName(nearest))};
}

Words UnknownTable(const std::string& name, const std::vector<VisibleTable>& tables) {
  std::vector<std::string> names;
  for (const VisibleTable& table : tables) names.push_back(table.name);
  const std::string nearest = DidYouMean(name, names);
  return {fmt::format("there is no table '{}'", name),
          nearest.empty() ? Listed("tables", names) : nearest};
}

// Every function of this connection.
std::vector<std::string> FunctionNames(sqlite3* db) {
  std::vector<std::string> names;
  sqlite3_set_authorizer(db, nullptr, nullptr);
  sqlite3_stmt* statement = nullptr;
  sqlite3_prepare_v2(db, "SELECT DISTINCT name FROM pragma_function_list ORDER BY name", -1,
                     &statement, nullptr);
  while (sqlite3_step(statement) == SQLITE_ROW) {
    names.emplace_back(reinterpret_cast<const char*>(sqlite3_column_text(statement, 0)));
  }
  sqlite3_finalize(statement);
  std::erase_if(names, [](const std::string& name) { return name.starts_with("dml_"); });
  return names;
}

// The name of a function in "sum()", "SUM()" or "function sum()".
std::string FunctionName(std::string text) {
  if (const auto rest = After(text, "function ")) text = *rest;
  text.erase(std::min(text.find('('), text.size()));
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  return text;
}

Words Misuse(const std::string& function, Reach reach) {
  if (reach == Reach::kRow) {
    return {fmt::format("{}() needs many rows, but this step sees one row at a time", function),
            "use aggregate or query.sql for what needs other rows"};
  }
  return {fmt::format("{}() cannot stand here", function),
          "an aggregate inside another one, or inside WHERE, needs a SELECT of its own"};
}

}  // namespace

Words WordsFor(std::string_view message, sqlite3* db, const std::vector<VisibleTable>& tables,
               Reach reach) {
  if (const auto name = After(message, "no such column: "))
    return WordsOfUnknownColumn(*name, tables);
  if (const auto name = After(message, "no such table: ")) return UnknownTable(*name, tables);
  if (const auto name = After(message, "no such function: ")) {
    return {fmt::format("there is no function {}()", *name), DidYouMean(*name, FunctionNames(db))};
  }
  if (const auto name = After(message, "ambiguous column name: ")) {
    return {fmt::format("column '{}' is in more than one table", *name),
            fmt::format("say which: {}.{}", tables.empty() ? "table" : tables.front().name, *name)};
  }
  for (const std::string_view prefix :
       {"misuse of aggregate: ", "misuse of aggregate ", "misuse of window function "}) {
    if (const auto name = After(message, prefix)) return Misuse(FunctionName(*name), reach);
  }
  if (message.ends_with(" may not be modified")) {
    return {"only SELECT is allowed here", "a query reads tables; it changes nothing"};
  }
  if (message == "too many columns in result set") {
    return {"the result has more than 2000 columns",
            "compute it in several queries, and join their results by a key"};
  }
  if (message == "incomplete input") return {"something is missing at the end", ""};
  if (message.starts_with("near \"") && message.ends_with("\": syntax error")) {
    const std::string_view token = message.substr(6, message.size() - 6 - 15);
    return {fmt::format("syntax error at '{}'", token),
            "names with dots, spaces or other signs, and names that are SQL words, are written in "
            "double quotes"};
  }
  if (message == "local time unavailable") {
    return {"local time depends on the machine", "times are UTC; shift them by '+8 hours'"};
  }
  if (message == "integer overflow") {
    return {"a whole number is outside the range of 64 bits",
            "calculate with decimals: CAST(x AS REAL), or total(x) instead of sum(x)"};
  }
  return {std::string(message), ""};
}

std::optional<std::size_t> FindTable(std::string_view sql, std::string_view message) {
  const auto name = After(message, "no such table: ");
  if (!name) return std::nullopt;
  for (const Token& token : Tokenize(sql)) {
    const std::string_view word = sql.substr(token.begin, token.end - token.begin);
    const bool same = token.kind == Token::Kind::kName ? Unquote(word) == *name : word == *name;
    if (same) return token.begin;
  }
  return std::nullopt;
}

std::size_t EndOfTokens(std::string_view sql, std::size_t begin) {
  std::size_t end = begin;
  for (const Token& token : Tokenize(sql)) {
    if (token.begin < begin) continue;
    const std::string_view word = sql.substr(token.begin, token.end - token.begin);
    const bool joined = token.begin == end && end != begin && (word == "." || sql[end - 1] == '.');
    if (token.begin != begin && !joined) break;
    end = token.end;
  }
  return std::max(end, std::min(begin + 1, sql.size()));
}

std::string DatabaseUri(std::string_view path) {
  std::string uri = "file:";
  for (const char c : path) {
    if (c == '?' || c == '#' || c == '%') {
      uri += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    } else {
      uri += c;
    }
  }
  // Nothing may lie beside it, so nothing can change it: no lock, and no write-ahead log.
  return uri + "?immutable=1";
}

}  // namespace dml::sql

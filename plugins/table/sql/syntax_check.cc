#include "plugins/table/sql/syntax_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "plugins/table/sql/connection.h"
#include "plugins/table/sql/operands.h"

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
std::vector<std::string> AllNamesIn(std::string_view sql) {
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

bool IsWord(std::string_view sql, const Token& token, std::span<const std::string_view> words) {
  if (token.kind != Token::Kind::kWord) return false;
  const std::string word = Lower(std::string(sql.substr(token.begin, token.end - token.begin)));
  return std::ranges::find(words, word) != words.end();
}

// Whether the call whose '(' is tokens[open] gets the time of the clock: 'now' is among its
// arguments, or the time that may be left out is.
bool AsksTheClock(std::string_view sql, std::span<const Token> tokens, std::size_t open,
                  bool has_format) {
  int depth = 0;
  int arguments = tokens[open + 1].kind == Token::Kind::kClose ? 0 : 1;
  for (std::size_t i = open; i < tokens.size(); ++i) {
    const std::string_view word = sql.substr(tokens[i].begin, tokens[i].end - tokens[i].begin);
    if (tokens[i].kind == Token::Kind::kOpen) ++depth;
    if (tokens[i].kind == Token::Kind::kClose && --depth == 0) break;
    if (depth != 1) continue;
    if (word == ",") ++arguments;
    if (tokens[i].kind == Token::Kind::kText && Lower(Unquote(word)) == "now") return true;
  }
  return arguments == (has_format ? 1 : 0);
}

// The clock is closed to SQL, which is known before anything runs if a text says so literally.
std::optional<Fault> FindClockFault(std::string_view sql) {
  constexpr std::array<std::string_view, 3> kNow{"current_timestamp", "current_date",
                                                 "current_time"};
  constexpr std::array<std::string_view, 6> kTimes{"date",      "time",      "datetime",
                                                   "julianday", "unixepoch", "strftime"};
  const std::vector<Token> tokens = Tokenize(sql);
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const bool call = i + 2 < tokens.size() && tokens[i + 1].kind == Token::Kind::kOpen &&
                      IsWord(sql, tokens[i], kTimes);
    const bool has_format = IsWord(sql, tokens[i], std::span(kTimes).last(1));
    if (!IsWord(sql, tokens[i], kNow) && !(call && AsksTheClock(sql, tokens, i + 1, has_format))) {
      continue;
    }
    return Fault{"the current time is not available to SQL",
                 "put a date in, such as '${schedule.time}'", true, tokens[i].begin, tokens[i].end};
  }
  return std::nullopt;
}

// SQLite takes a number beyond float64 for infinite.
std::optional<Fault> FindOverflow(std::string_view sql) {
  const table::Schema none;
  const OperandReader read(sql, none);
  for (std::size_t i = 0; i < read.size(); ++i) {
    if (read.Word(i) == "-" || read.Word(i) == "+") continue;
    const auto end = read.EndOfNumber(i);
    if (!end) continue;
    const std::string number(read.Between(i, *end));
    if (std::isinf(std::strtod(number.c_str(), nullptr))) {
      return Fault{fmt::format("the number {} is too large for float64", number),
                   "the largest is 1.797e308", true, read.token(i).begin, read.token(*end).end};
    }
    i = *end;
  }
  return std::nullopt;
}

}  // namespace

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

std::optional<Fault> FindSyntaxFault(std::string_view sql, TextRole role) {
  const bool is_query = role == TextRole::kQuery;
  if (auto fault = is_query ? FindQueryFault(sql) : FindExpressionFault(sql)) return fault;
  if (auto fault = FindClockFault(sql)) return fault;
  if (auto fault = FindOverflow(sql)) return fault;
  const std::vector<std::string> names = AllNamesIn(sql);
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

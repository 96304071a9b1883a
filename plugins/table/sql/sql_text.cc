#include "plugins/table/sql/sql_text.h"

#include <fmt/format.h>

#include <algorithm>

namespace dml::sql {

namespace {

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f'; }

bool IsWordByte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         (static_cast<unsigned char>(c) & 0x80) != 0;
}

// The end of a quoted token that begins at `at`; npos if it has none. A doubled quote is a quote.
std::size_t EndOfQuoted(std::string_view sql, std::size_t at) {
  const char close = sql[at] == '[' ? ']' : sql[at];
  for (std::size_t i = at + 1; i < sql.size(); ++i) {
    if (sql[i] != close) continue;
    if (close == ']' || i + 1 >= sql.size() || sql[i + 1] != close) return i + 1;
    ++i;
  }
  return std::string_view::npos;
}

// The end of the comment that begins at `at`, `at` if there is none; npos if it has no end.
std::size_t EndOfComment(std::string_view sql, std::size_t at) {
  if (sql.substr(at).starts_with("--")) return std::min(sql.size(), sql.find('\n', at));
  if (!sql.substr(at).starts_with("/*")) return at;
  const std::size_t close = sql.find("*/", at + 2);
  return close == std::string_view::npos ? close : close + 2;
}

Token NextToken(std::string_view sql, std::size_t at) {
  const char c = sql[at];
  Token token{Token::Kind::kOther, at, at + 1};
  if (c == '\'' || c == '"' || c == '`' || c == '[') {
    token.end = EndOfQuoted(sql, at);
    token.kind = c == '\'' ? Token::Kind::kText : Token::Kind::kName;
  } else if (IsWordByte(c)) {
    while (token.end < sql.size() && IsWordByte(sql[token.end])) ++token.end;
    token.kind = Token::Kind::kWord;
  } else if (c == '?' || c == ':' || c == '@' || c == '$' || c == '#') {
    while (token.end < sql.size() && IsWordByte(sql[token.end])) ++token.end;
    token.kind = Token::Kind::kVariable;
  } else if (c == '(') {
    token.kind = Token::Kind::kOpen;
  } else if (c == ')') {
    token.kind = Token::Kind::kClose;
  } else if (c == ';') {
    token.kind = Token::Kind::kSemicolon;
  }
  if (token.end == std::string_view::npos) {
    token.kind = Token::Kind::kOpenEnded;
    token.end = sql.size();
  }
  return token;
}

std::size_t CodePoints(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

Fault FaultAt(const Token& token, std::string message, std::string hint = {}) {
  return {std::move(message), std::move(hint), true, token.begin, token.end};
}

// What both kinds of texts must keep: quotes and brackets that close, no variables.
std::optional<Fault> FindTokenFault(std::string_view sql, const std::vector<Token>& tokens) {
  std::vector<Token> open;
  for (Token token : tokens) {
    const std::string_view word = sql.substr(token.begin, token.end - token.begin);
    if (token.kind == Token::Kind::kOpenEnded) {
      token.end = token.begin + 1;
      return FaultAt(token, word.front() == '/' ? "a comment has no end" : "a quote has no end");
    }
    if (token.kind == Token::Kind::kVariable) {
      return FaultAt(token, fmt::format("'{}' is not part of an expression", word),
                     "put a parameter of the pipeline in as ${params.NAME}");
    }
    if (token.kind == Token::Kind::kOpen) open.push_back(token);
    if (token.kind != Token::Kind::kClose) continue;
    if (open.empty()) return FaultAt(token, "')' closes nothing");
    open.pop_back();
  }
  if (!open.empty()) return FaultAt(open.back(), "'(' is not closed");
  if (tokens.empty()) return Fault{"nothing is written here"};
  return std::nullopt;
}

}  // namespace

std::string QuoteName(std::string_view name) {
  std::string out = "\"";
  for (const char c : name) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + "\"";
}

std::vector<Token> Tokenize(std::string_view sql) {
  std::vector<Token> tokens;
  for (std::size_t at = 0; at < sql.size();) {
    if (IsSpace(sql[at])) {
      ++at;
      continue;
    }
    const std::size_t after = EndOfComment(sql, at);
    if (after == std::string_view::npos) {
      tokens.push_back({Token::Kind::kOpenEnded, at, sql.size()});
      break;
    }
    if (after != at) {
      at = after;
      continue;
    }
    tokens.push_back(NextToken(sql, at));
    at = tokens.back().end;
  }
  return tokens;
}

std::string Unquote(std::string_view token) {
  std::string out;
  const char quote = token.front();
  for (std::size_t i = 1; i + 1 < token.size(); ++i) {
    out += token[i];
    if (token[i] == quote) ++i;
  }
  return out;
}

std::optional<Fault> FindExpressionFault(std::string_view sql) {
  const std::vector<Token> tokens = Tokenize(sql);
  if (auto fault = FindTokenFault(sql, tokens)) return fault;
  const auto semicolon = std::ranges::find(tokens, Token::Kind::kSemicolon, &Token::kind);
  if (semicolon == tokens.end()) return std::nullopt;
  return FaultAt(*semicolon, "an expression has no ';'");
}

std::optional<Fault> FindQueryFault(std::string_view sql) {
  const std::vector<Token> tokens = Tokenize(sql);
  if (auto fault = FindTokenFault(sql, tokens)) return fault;
  const auto semicolon = std::ranges::find(tokens, Token::Kind::kSemicolon, &Token::kind);
  if (semicolon == tokens.end() || semicolon + 1 == tokens.end()) return std::nullopt;
  return FaultAt(semicolon[1], "there is more than one statement",
                 "write one SELECT; WITH names the results of others");
}

Result<void> CheckExpression(const UserText& text) {
  if (const auto fault = FindExpressionFault(text.sql)) return ErrorOf(text, *fault);
  return {};
}

Result<void> CheckQuery(const UserText& text) {
  if (const auto fault = FindQueryFault(text.sql)) return ErrorOf(text, *fault);
  return {};
}

std::vector<std::string> SuspectTexts(const UserText& text,
                                      const std::vector<std::string>& columns) {
  std::vector<std::string> warnings;
  for (const Token& token : Tokenize(text.sql)) {
    if (token.kind != Token::Kind::kText) continue;
    const std::string value =
        Unquote(std::string_view(text.sql).substr(token.begin, token.end - token.begin));
    if (std::ranges::find(columns, value) == columns.end()) continue;
    warnings.push_back(
        fmt::format("{}: '{}' in single quotes is a text, not the column; a column is "
                    "written {}",
                    text.parameter, value, QuoteName(value)));
  }
  return warnings;
}

Error ErrorOf(const UserText& text, const Fault& fault) {
  if (!fault.placed) return ErrorIn(text, fault.message, fault.hint);
  return ErrorAt(text, fault.begin, fault.end, fault.message, fault.hint);
}

Error ErrorAt(const UserText& text, std::size_t begin, std::size_t end, std::string_view message,
              std::string hint) {
  constexpr std::size_t kContextMax = 60;  // bytes shown before and after the place
  const std::string_view sql = text.sql;
  begin = std::min(begin, sql.size());
  end = std::clamp(end, begin, sql.size());
  const std::size_t before = begin == 0 ? std::string_view::npos : sql.rfind('\n', begin - 1);
  std::size_t line_begin = before == std::string_view::npos ? 0 : before + 1;
  std::size_t line_end = std::min(sql.size(), sql.find('\n', begin));
  const auto continues = [&](std::size_t at) {
    return at < sql.size() && (static_cast<unsigned char>(sql[at]) & 0xC0) == 0x80;
  };
  const bool cut_front = begin - line_begin > kContextMax;
  if (cut_front) line_begin = begin - kContextMax;
  while (continues(line_begin)) ++line_begin;
  const bool cut_back = line_end > begin && line_end - begin > kContextMax;
  if (cut_back) line_end = begin + kContextMax;
  while (continues(line_end)) ++line_end;

  std::string line(sql.substr(line_begin, line_end - line_begin));
  std::ranges::replace(line, '\t', ' ');
  end = std::min(end, line_end);
  const std::size_t indent = CodePoints(sql.substr(line_begin, begin - line_begin));
  const std::size_t width = std::max<std::size_t>(1, CodePoints(sql.substr(begin, end - begin)));
  return Error::Invalid(
      fmt::format("{}: {}\n    {}{}{}\n    {}^{}", text.parameter, message, cut_front ? "..." : "",
                  line, cut_back ? "..." : "", std::string(indent + (cut_front ? 3 : 0), ' '),
                  std::string(width - 1, '~')),
      std::move(hint));
}

Error ErrorIn(const UserText& text, std::string_view message, std::string hint) {
  constexpr std::size_t kShownMax = 400;  // bytes
  std::string out = fmt::format("{}: {}", text.parameter, message);
  const std::string shown = text.sql.substr(0, kShownMax);
  for (std::size_t at = 0; at < shown.size();) {
    const std::size_t end = std::min(shown.size(), shown.find('\n', at));
    out += "\n    " + shown.substr(at, end - at);
    at = end + 1;
  }
  if (shown.size() < text.sql.size()) out += "...";
  return Error::Invalid(std::move(out), std::move(hint));
}

SqlText& SqlText::Add(std::string_view generated) {
  sql_ += generated;
  return *this;
}

SqlText& SqlText::AddExpression(const UserText& text) {
  sql_ += '(';
  AddQuery(text);
  sql_ += "\n)";
  return *this;
}

SqlText& SqlText::AddQuery(const UserText& text) {
  texts_.push_back(text);
  spans_.push_back({sql_.size(), sql_.size() + text.sql.size()});
  sql_ += text.sql;
  return *this;
}

SqlText::Place SqlText::Find(int offset) const {
  for (std::size_t i = 0; offset >= 0 && i < spans_.size(); ++i) {
    const auto at = static_cast<std::size_t>(offset);
    if (at >= spans_[i].begin && at < spans_[i].end) return {&texts_[i], at - spans_[i].begin};
  }
  return {};
}

}  // namespace dml::sql

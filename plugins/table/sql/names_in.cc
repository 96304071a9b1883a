#include "plugins/table/sql/names_in.h"

#include <sqlite3.h>

#include <algorithm>

#include "plugins/table/sql/sql_text.h"

namespace dml::sql {

std::vector<NameInText> NamesIn(std::string_view expression) {
  const std::vector<Token> tokens = Tokenize(expression);
  std::vector<NameInText> names;
  bool after_as = false;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const Token& token = tokens[i];
    const std::string_view text = expression.substr(token.begin, token.end - token.begin);
    const bool named_type = after_as;
    after_as = token.kind == Token::Kind::kWord && IsSameName(text, "as");
    if (named_type) continue;
    const bool last = i + 1 == tokens.size();
    const bool called = !last && tokens[i + 1].kind == Token::Kind::kOpen;
    if (!last && expression[tokens[i + 1].begin] == '.') continue;  // a table
    if (token.kind == Token::Kind::kName) names.push_back({Unquote(text), token.begin});
    if (token.kind != Token::Kind::kWord || called) continue;
    if (sqlite3_keyword_check(text.data(), static_cast<int>(text.size())) != 0) continue;
    names.push_back({std::string(text), token.begin});
  }
  return names;
}

bool IsSameName(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; };
  return std::ranges::equal(a, b, {}, lower, lower);
}

}  // namespace dml::sql

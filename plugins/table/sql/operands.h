#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/table/schema.h"
#include "plugins/table/sql/sql_text.h"

namespace dml::sql {

// What values are to SQLite's comparisons.
enum class Nature { kNumber, kTruth, kText, kTime };

[[nodiscard]] constexpr bool IsNumeric(Nature nature) {
  return nature == Nature::kNumber || nature == Nature::kTruth;
}
[[nodiscard]] constexpr bool IsTextual(Nature nature) { return !IsNumeric(nature); }

// Tokens that are one value in an expression and tell what it is: a number, a text, a column, or a
// call of a function whose results are known, such as lower(x), or are its arguments, such as
// coalesce(x, 0); the latter two also in brackets.
struct Operand {
  enum class Form { kNumber, kText, kColumn, kCall };
  Form form = Form::kColumn;
  std::size_t begin = 0;  // the first token and the last one
  std::size_t end = 0;
  Nature nature = Nature::kText;
  const table::Field* column = nullptr;  // of kColumn
};

// The tokens of an expression or a query, and the operands among them.
class OperandReader {
 public:
  // Borrowed, both.
  OperandReader(std::string_view sql, const table::Schema& schema);

  [[nodiscard]] std::size_t size() const { return tokens_.size(); }
  [[nodiscard]] const Token& token(std::size_t i) const { return tokens_[i]; }
  // Beyond the last token words are empty.
  [[nodiscard]] std::string_view Word(std::size_t i) const;
  [[nodiscard]] bool Is(std::size_t i, Token::Kind kind) const {
    return i < tokens_.size() && tokens_[i].kind == kind;
  }
  [[nodiscard]] bool IsKeyword(std::size_t i, std::string_view upper) const;
  // What stands from token `begin` to token `end`.
  [[nodiscard]] std::string_view Between(std::size_t begin, std::size_t end) const {
    return sql_.substr(tokens_[begin].begin, tokens_[end].end - tokens_[begin].begin);
  }

  // The operand that begins at token `i`. It may be a part of a larger one: what stands before and
  // behind it is not looked at. Of "data.x" it begins at "data".
  [[nodiscard]] const std::optional<Operand>& At(std::size_t i) const { return operands_[i]; }
  // The last token of the number that begins at `i`; a sign may stand before it.
  [[nodiscard]] std::optional<std::size_t> EndOfNumber(std::size_t i) const;

 private:
  [[nodiscard]] std::optional<Operand> Find(std::size_t i) const;
  [[nodiscard]] std::optional<Operand> FindBracketed(std::size_t open) const;
  [[nodiscard]] std::optional<Operand> FindCall(std::size_t name) const;
  [[nodiscard]] std::optional<Nature> NatureOfArguments(std::size_t open, std::size_t close,
                                                        std::string_view function) const;
  [[nodiscard]] std::optional<std::size_t> CloseOf(std::size_t open) const;
  [[nodiscard]] const table::Field* ColumnNamed(std::size_t i) const;
  // Whether token `i + 1` stands right behind token `i`, as the parts of 1.5 do.
  [[nodiscard]] bool IsJoined(std::size_t i) const {
    return i + 1 < tokens_.size() && tokens_[i].end == tokens_[i + 1].begin;
  }

  const std::string_view sql_;
  const table::Schema& schema_;
  const std::vector<Token> tokens_;
  std::vector<std::optional<Operand>> operands_;  // by token that it begins at
};

}  // namespace dml::sql

#include "plugins/table/sql/text_comparison.h"

#include <fmt/format.h>

#include <array>
#include <cstdlib>
#include <span>
#include <string>
#include <vector>

namespace dml::sql {

namespace {

using Kind = Token::Kind;

std::string Upper(std::string_view word) {
  std::string out(word);
  for (char& c : out) c = c >= 'a' && c <= 'z' ? static_cast<char>(c & ~0x20) : c;
  return out;
}

bool IsNumber(const std::string& text) {
  char* end = nullptr;
  std::strtod(text.c_str(), &end);
  while (*end == ' ') ++end;
  return end != text.c_str() && *end == '\0';
}

// The tokens of a text with what they mean next to a comparison.
class Reader {
 public:
  Reader(std::string_view sql, const table::Schema& schema)
      : sql_(sql), schema_(schema), tokens_(Tokenize(sql)) {}

  std::optional<Fault> Find() const {
    for (std::size_t i = 0; i < tokens_.size(); ++i) {
      const table::Field* column = ColumnAt(i);
      if (column == nullptr) continue;
      for (const std::size_t text : TextsComparedWith(i)) {
        const std::string value = Unquote(Word(text));
        if (column->type != table::ColumnType::kBool && IsNumber(value)) continue;
        return FaultOf(*column, value, tokens_[text]);
      }
    }
    return std::nullopt;
  }

 private:
  [[nodiscard]] std::string_view Word(std::size_t i) const {
    return i < tokens_.size() ? sql_.substr(tokens_[i].begin, tokens_[i].end - tokens_[i].begin)
                              : std::string_view();
  }
  [[nodiscard]] bool Is(std::size_t i, Kind kind) const {
    return i < tokens_.size() && tokens_[i].kind == kind;
  }
  [[nodiscard]] bool IsKeyword(std::size_t i, std::string_view keyword) const {
    return Is(i, Kind::kWord) && Upper(Word(i)) == keyword;
  }

  // Whether what stands at `i` is an operand by itself: nothing before it joins it to another.
  [[nodiscard]] bool BeginsOperand(std::size_t i) const {
    if (i == 0 || Is(i - 1, Kind::kOpen) || Word(i - 1) == ",") return true;
    constexpr std::array<std::string_view, 7> kBefore{"AND",  "OR",   "NOT", "WHEN",
                                                      "THEN", "ELSE", "CASE"};
    for (const std::string_view keyword : kBefore) {
      if (IsKeyword(i - 1, keyword)) return true;
    }
    return false;
  }
  [[nodiscard]] bool EndsOperand(std::size_t i) const {
    const std::string_view next = Word(i + 1);
    return next.empty() ||
           (next != "|" && next != "." && next != "(" && next != "+" && next != "-" &&
            next != "*" && next != "/" && next != "%" && !IsKeyword(i + 1, "COLLATE"));
  }

  // The column of numbers that is the operand at `i`.
  [[nodiscard]] const table::Field* ColumnAt(std::size_t i) const {
    if (!Is(i, Kind::kWord) && !Is(i, Kind::kName)) return nullptr;
    const std::string name = Is(i, Kind::kName) ? Unquote(Word(i)) : std::string(Word(i));
    const int index = schema_.IndexOf(name);
    if (index < 0 || !EndsOperand(i)) return nullptr;
    const table::Field& field = schema_.fields[static_cast<std::size_t>(index)];
    switch (field.type) {
      case table::ColumnType::kFloat64:
      case table::ColumnType::kFloat32:
      case table::ColumnType::kInt64:
      case table::ColumnType::kBool:
        return &field;
      case table::ColumnType::kTimestamp:
      case table::ColumnType::kCategory:
      case table::ColumnType::kString:
      case table::ColumnType::kSparse:
        break;
    }
    return nullptr;
  }

  // The position behind a comparison operator at `i`; `i` if there is none.
  [[nodiscard]] std::size_t AfterOperator(std::size_t i) const {
    const std::size_t begin = i;
    while (Word(i) == "<" || Word(i) == ">" || Word(i) == "=" || Word(i) == "!") ++i;
    if (i == begin && IsKeyword(i, "IS")) {
      ++i;
      if (IsKeyword(i, "NOT")) ++i;
    }
    return i;
  }

  [[nodiscard]] std::vector<std::size_t> TextsComparedWith(std::size_t column) const {
    std::vector<std::size_t> texts;
    std::size_t begin = column;  // of "data.x" too
    if (column >= 2 && Word(column - 1) == ".") begin = column - 2;
    if (BeginsOperand(begin)) {
      std::size_t at = AfterOperator(column + 1);
      if (at > column + 1 && Is(at, Kind::kText) && EndsOperand(at)) texts.push_back(at);
      at = column + 1;
      if (IsKeyword(at, "NOT")) ++at;
      if (IsKeyword(at, "BETWEEN") && Is(at + 1, Kind::kText)) texts.push_back(at + 1);
      if (IsKeyword(at, "IN") && Is(at + 1, Kind::kOpen)) {
        for (at += 2; at < tokens_.size() && !Is(at, Kind::kOpen) && !Is(at, Kind::kClose); ++at) {
          if (Is(at, Kind::kText) && BeginsOperand(at) && EndsOperand(at)) texts.push_back(at);
        }
      }
    }
    // 'a' < x
    for (std::size_t length = 1; length <= 2 && length < begin; ++length) {
      const std::size_t text = begin - length - 1;
      if (Is(text, Kind::kText) && AfterOperator(text + 1) == begin && BeginsOperand(text)) {
        texts.push_back(text);
      }
    }
    return texts;
  }

  static Fault FaultOf(const table::Field& column, const std::string& value, const Token& text) {
    const bool is_bool = column.type == table::ColumnType::kBool;
    return {fmt::format("'{}' is a text and the column '{}' is {}: they do not compare", value,
                        column.name, table::ColumnTypeName(column.type)),
            is_bool ? fmt::format("write {0}, or NOT {0}", QuoteName(column.name))
                    : "compare with a number, or cast the column",
            true, text.begin, text.end};
  }

  std::string_view sql_;
  const table::Schema& schema_;
  std::vector<Token> tokens_;
};

}  // namespace

std::optional<Fault> FindTextComparison(std::string_view sql, const table::Schema& schema) {
  return Reader(sql, schema).Find();
}

}  // namespace dml::sql

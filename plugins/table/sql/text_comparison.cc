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

// What a column is to SQLite's comparisons.
enum class Nature { kNumber, kTruth, kText, kTime, kOther };

Nature NatureOf(table::ColumnType type) {
  switch (type) {
    case table::ColumnType::kFloat64:
    case table::ColumnType::kFloat32:
    case table::ColumnType::kInt64:
      return Nature::kNumber;
    case table::ColumnType::kBool:
      return Nature::kTruth;
    case table::ColumnType::kCategory:
    case table::ColumnType::kString:
      return Nature::kText;
    case table::ColumnType::kTimestamp:
      return Nature::kTime;
    case table::ColumnType::kSparse:
      break;
  }
  return Nature::kOther;
}

bool IsNumeric(Nature nature) { return nature == Nature::kNumber || nature == Nature::kTruth; }
bool IsTextual(Nature nature) { return nature == Nature::kText || nature == Nature::kTime; }

// The tokens of a text with what they mean next to a comparison.
class Reader {
 public:
  Reader(std::string_view sql, const table::Schema& schema)
      : sql_(sql), schema_(schema), tokens_(Tokenize(sql)) {}

  std::optional<Fault> Find() const {
    for (std::size_t i = 0; i < tokens_.size(); ++i) {
      const table::Field* column = ColumnAt(i);
      if (column == nullptr) continue;
      for (const std::size_t other : ComparedWith(i)) {
        if (auto fault = Judge(i, *column, other)) return fault;
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
  // Whether token `i + 1` stands right behind token `i`, as the parts of 1.5 do.
  [[nodiscard]] bool IsJoined(std::size_t i) const {
    return i + 1 < tokens_.size() && tokens_[i].end == tokens_[i + 1].begin;
  }

  // Whether what stands at `i` is an operand by itself: nothing before it joins it to another.
  [[nodiscard]] bool BeginsOperand(std::size_t i) const {
    if (i == 0 || Is(i - 1, Kind::kOpen) || Word(i - 1) == ",") return true;
    constexpr std::array<std::string_view, 12> kBefore{"AND",  "OR",     "NOT",    "WHEN",
                                                       "THEN", "ELSE",   "CASE",   "WHERE",
                                                       "ON",   "HAVING", "SELECT", "BY"};
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

  // The column that is the operand at `i`.
  [[nodiscard]] const table::Field* ColumnAt(std::size_t i) const {
    if (!Is(i, Kind::kWord) && !Is(i, Kind::kName)) return nullptr;
    const std::string name = Is(i, Kind::kName) ? Unquote(Word(i)) : std::string(Word(i));
    const int index = schema_.IndexOf(name);
    if (index < 0 || !EndsOperand(i)) return nullptr;
    return &schema_.fields[static_cast<std::size_t>(index)];
  }
  // Of "data.x" the place of "data".
  [[nodiscard]] std::size_t BeginOfColumn(std::size_t column) const {
    return column >= 2 && Word(column - 1) == "." ? column - 2 : column;
  }

  // The last token of the number that begins at `i`; nothing if there is none. A sign may stand
  // before it.
  [[nodiscard]] std::optional<std::size_t> EndOfNumber(std::size_t i) const {
    if (Word(i) == "-" || Word(i) == "+") ++i;
    const auto is_digits = [this](std::size_t at) {
      return Is(at, Kind::kWord) && Word(at).front() >= '0' && Word(at).front() <= '9';
    };
    const bool has_point = Word(i) == ".";  // .5
    if (!(has_point ? IsJoined(i) && is_digits(i + 1) : is_digits(i))) return std::nullopt;
    std::size_t end = has_point ? i + 1 : i;
    if (!has_point && IsJoined(end) && Word(end + 1) == ".") {
      ++end;
      if (IsJoined(end) && Is(end + 1, Kind::kWord)) ++end;
    }
    const std::string exponent = Upper(Word(end));
    if (exponent.ends_with("E") && !exponent.starts_with("0X") && IsJoined(end) &&
        (Word(end + 1) == "-" || Word(end + 1) == "+") && IsJoined(end + 1)) {
      end += 2;
    }
    return end;
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

  // Where the operands begin that the column is compared with.
  [[nodiscard]] std::vector<std::size_t> ComparedWith(std::size_t column) const {
    std::vector<std::size_t> operands;
    const std::size_t begin = BeginOfColumn(column);
    if (BeginsOperand(begin)) {
      std::size_t at = AfterOperator(column + 1);
      if (at > column + 1) operands.push_back(at);
      at = column + 1;
      if (IsKeyword(at, "NOT")) ++at;
      if (IsKeyword(at, "BETWEEN")) AddBounds(at + 1, operands);
      if (IsKeyword(at, "IN") && Is(at + 1, Kind::kOpen)) {
        for (at += 2; at < tokens_.size() && !Is(at, Kind::kOpen) && !Is(at, Kind::kClose); ++at) {
          if (BeginsOperand(at)) operands.push_back(at);
        }
      }
      if (begin > 0 && IsKeyword(begin - 1, "CASE")) AddCases(column + 1, operands);
    }
    AddOperandBefore(begin, operands);
    return operands;
  }

  // x BETWEEN a AND b
  void AddBounds(std::size_t at, std::vector<std::size_t>& operands) const {
    operands.push_back(at);
    for (; at < tokens_.size() && !Is(at, Kind::kOpen) && !Is(at, Kind::kClose); ++at) {
      if (!IsKeyword(at, "AND")) continue;
      operands.push_back(at + 1);
      return;
    }
  }

  // CASE x WHEN a THEN ... WHEN b
  void AddCases(std::size_t at, std::vector<std::size_t>& operands) const {
    int inner = 0;
    for (; at < tokens_.size() && inner >= 0; ++at) {
      if (IsKeyword(at, "CASE") || Is(at, Kind::kOpen)) ++inner;
      if (IsKeyword(at, "END") || Is(at, Kind::kClose)) --inner;
      if (inner == 0 && IsKeyword(at, "WHEN")) operands.push_back(at + 1);
    }
  }

  // 'a' < x, -1.5e-3 < x
  void AddOperandBefore(std::size_t column, std::vector<std::size_t>& operands) const {
    constexpr std::size_t kTokensMax = 8;  // of a number and an operator
    for (std::size_t length = 2; length <= kTokensMax && length <= column; ++length) {
      const std::size_t at = column - length;
      const auto end = Is(at, Kind::kText) ? at : EndOfNumber(at);
      if (!end || !BeginsOperand(at) || *end + 1 >= column) continue;
      if (AfterOperator(*end + 1) == column) operands.push_back(at);
    }
  }

  // What is wrong with comparing the column at `i` with what begins at `other`.
  [[nodiscard]] std::optional<Fault> Judge(std::size_t i, const table::Field& column,
                                           std::size_t other) const {
    const Nature nature = NatureOf(column.type);
    if (Is(other, Kind::kText)) {
      const std::string value = Unquote(Word(other));
      const bool may_be = nature == Nature::kNumber && IsNumber(value);
      if (!IsNumeric(nature) || may_be || (other > i && !EndsOperand(other))) return std::nullopt;
      return FaultOfText(column, value, tokens_[other]);
    }
    if (const auto end = EndOfNumber(other)) {
      const bool is_text = Word(*end + 1) == "|" || IsKeyword(*end + 1, "COLLATE");
      if (!IsTextual(nature) || is_text) return std::nullopt;
      return FaultOfNumber(column, tokens_[other].begin, tokens_[*end].end);
    }
    std::size_t name = other;
    if (Word(other + 1) == ".") name = other + 2;
    const table::Field* second = ColumnAt(name);
    if (second == nullptr) return std::nullopt;
    const Nature other_nature = NatureOf(second->type);
    if (IsTextual(nature) && IsNumeric(other_nature)) return FaultOfColumns(column, *second, name);
    if (IsNumeric(nature) && IsTextual(other_nature)) return FaultOfColumns(*second, column, name);
    return std::nullopt;
  }

  static Fault FaultOfText(const table::Field& column, const std::string& value,
                           const Token& text) {
    const bool is_bool = column.type == table::ColumnType::kBool;
    return {fmt::format("'{}' is a text and the column '{}' is {}: they do not compare", value,
                        column.name, table::ColumnTypeName(column.type)),
            is_bool ? fmt::format("write {0}, or NOT {0}", QuoteName(column.name))
                    : "compare with a number, or cast the column",
            true, text.begin, text.end};
  }

  [[nodiscard]] Fault FaultOfNumber(const table::Field& column, std::size_t begin,
                                    std::size_t end) const {
    return {fmt::format("{} is a number and the column '{}' is {}: they do not compare",
                        sql_.substr(begin, end - begin), column.name,
                        table::ColumnTypeName(column.type)),
            HowToCompare(column), true, begin, end};
  }

  [[nodiscard]] Fault FaultOfColumns(const table::Field& text, const table::Field& number,
                                     std::size_t at) const {
    return {fmt::format("the column '{}' is {} and the column '{}' is {}: they do not compare",
                        text.name, table::ColumnTypeName(text.type), number.name,
                        table::ColumnTypeName(number.type)),
            HowToCompare(text), true, tokens_[at].begin, tokens_[at].end};
  }

  static std::string HowToCompare(const table::Field& column) {
    if (column.type == table::ColumnType::kTimestamp) {
      return "compare with a text such as '2011-01-31', or with a part of the time, such as "
             "year(...)";
    }
    constexpr std::string_view kPlain =
        "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
    const bool plain = column.name.find_first_not_of(kPlain) == std::string::npos &&
                       kPlain.find(column.name.front()) > 9;
    return fmt::format("CAST({} AS REAL) compares as numbers, and a text in quotes as texts",
                       plain ? column.name : QuoteName(column.name));
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

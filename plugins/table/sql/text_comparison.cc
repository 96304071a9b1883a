#include "plugins/table/sql/text_comparison.h"

#include <fmt/format.h>

#include <array>
#include <cstdlib>
#include <string>
#include <vector>

#include "plugins/table/sql/operands.h"

namespace dml::sql {

namespace {

using Kind = Token::Kind;
using Form = Operand::Form;

bool IsNumber(const std::string& text) {
  char* end = nullptr;
  std::strtod(text.c_str(), &end);
  while (*end == ' ') ++end;
  return end != text.c_str() && *end == '\0';
}

// Finds the operands that stand beside one that does not go with them.
class Judge {
 public:
  Judge(std::string_view sql, const table::Schema& schema) : read_(sql, schema) {}

  [[nodiscard]] std::optional<Fault> Find() const {
    for (std::size_t i = 0; i < read_.size(); ++i) {
      const std::optional<Operand>& operand = read_.At(i);
      if (!operand || (operand->form != Form::kColumn && operand->form != Form::kCall)) continue;
      if (i > 0 && read_.Word(i - 1) == ".") continue;  // the column of "data.x", seen with "data"
      if (auto fault = FindArithmetic(*operand)) return fault;
      if (!EndsOperand(operand->end)) continue;
      for (const std::size_t other : ComparedWith(*operand)) {
        if (auto fault = Compare(*operand, other)) return fault;
      }
    }
    return std::nullopt;
  }

 private:
  // Whether what stands at `i` is an operand by itself: nothing before it joins it to another.
  [[nodiscard]] bool BeginsOperand(std::size_t i) const {
    if (i == 0 || read_.Is(i - 1, Kind::kOpen) || read_.Word(i - 1) == ",") return true;
    constexpr std::array<std::string_view, 12> kBefore{"AND",  "OR",     "NOT",    "WHEN",
                                                       "THEN", "ELSE",   "CASE",   "WHERE",
                                                       "ON",   "HAVING", "SELECT", "BY"};
    for (const std::string_view keyword : kBefore) {
      if (read_.IsKeyword(i - 1, keyword)) return true;
    }
    return false;
  }
  [[nodiscard]] bool EndsOperand(std::size_t i) const {
    const std::string_view next = read_.Word(i + 1);
    return next.empty() ||
           (next != "|" && next != "." && next != "(" && next != "+" && next != "-" &&
            next != "*" && next != "/" && next != "%" && !read_.IsKeyword(i + 1, "COLLATE") &&
            !read_.IsKeyword(i + 1, "OVER") && !read_.IsKeyword(i + 1, "FILTER"));
  }

  // The position behind a comparison operator at `i`; `i` if there is none.
  [[nodiscard]] std::size_t AfterOperator(std::size_t i) const {
    const std::size_t begin = i;
    const auto is_sign = [this](std::size_t at) {
      const std::string_view word = read_.Word(at);
      return word == "<" || word == ">" || word == "=" || word == "!";
    };
    while (is_sign(i)) ++i;
    if (i == begin && read_.IsKeyword(i, "IS")) {
      ++i;
      if (read_.IsKeyword(i, "NOT")) ++i;
    }
    return i;
  }

  [[nodiscard]] bool IsBracket(std::size_t i) const {
    return read_.Is(i, Kind::kOpen) || read_.Is(i, Kind::kClose);
  }

  // Where the operands begin that this one is compared with.
  [[nodiscard]] std::vector<std::size_t> ComparedWith(const Operand& operand) const {
    std::vector<std::size_t> others;
    const std::size_t begin = operand.begin;
    const std::size_t next = operand.end + 1;
    if (BeginsOperand(begin)) {
      std::size_t at = AfterOperator(next);
      if (at > next) others.push_back(at);
      at = next;
      if (read_.IsKeyword(at, "NOT")) ++at;
      if (read_.IsKeyword(at, "BETWEEN")) AddBounds(at + 1, others);
      if (read_.IsKeyword(at, "IN") && read_.Is(at + 1, Kind::kOpen)) {
        for (at += 2; at < read_.size() && !IsBracket(at); ++at) {
          if (BeginsOperand(at)) others.push_back(at);
        }
      }
      if (begin > 0 && read_.IsKeyword(begin - 1, "CASE")) AddCases(next, others);
    }
    AddOperandBefore(begin, others);
    return others;
  }

  // x BETWEEN a AND b
  void AddBounds(std::size_t at, std::vector<std::size_t>& others) const {
    others.push_back(at);
    for (; at < read_.size() && !IsBracket(at); ++at) {
      if (!read_.IsKeyword(at, "AND")) continue;
      others.push_back(at + 1);
      return;
    }
  }

  // CASE x WHEN a THEN ... WHEN b
  void AddCases(std::size_t at, std::vector<std::size_t>& others) const {
    int inner = 0;
    for (; at < read_.size() && inner >= 0; ++at) {
      if (read_.IsKeyword(at, "CASE") || read_.Is(at, Kind::kOpen)) ++inner;
      if (read_.IsKeyword(at, "END") || read_.Is(at, Kind::kClose)) --inner;
      if (inner == 0 && read_.IsKeyword(at, "WHEN")) others.push_back(at + 1);
    }
  }

  // 'a' < x, -1.5e-3 < x
  void AddOperandBefore(std::size_t begin, std::vector<std::size_t>& others) const {
    constexpr std::size_t kTokensMax = 8;  // of a number and an operator
    for (std::size_t length = 2; length <= kTokensMax && length <= begin; ++length) {
      const std::size_t at = begin - length;
      const std::optional<Operand>& literal = read_.At(at);
      if (!literal || (literal->form != Form::kText && literal->form != Form::kNumber)) continue;
      if (!BeginsOperand(at) || literal->end + 1 >= begin) continue;
      if (AfterOperator(literal->end + 1) == begin) others.push_back(at);
    }
  }

  // What is wrong with comparing the operand with what begins at token `at`.
  [[nodiscard]] std::optional<Fault> Compare(const Operand& operand, std::size_t at) const {
    if (at >= read_.size() || !read_.At(at)) return std::nullopt;
    const Operand& other = *read_.At(at);
    const bool is_whole = other.begin < operand.begin || EndsOperand(other.end);
    if (other.form == Form::kText) {
      const std::string value = Unquote(read_.Word(other.end));
      // SQLite reads a text as a number beside a column of numbers, but not beside a result.
      const bool is_read = operand.form == Form::kColumn && operand.nature == Nature::kNumber;
      if (!IsNumeric(operand.nature) || !is_whole || (is_read && IsNumber(value))) {
        return std::nullopt;
      }
      return FaultOfText(operand, value, read_.token(other.end));
    }
    if (other.form == Form::kNumber) {
      const bool is_text =
          read_.Word(other.end + 1) == "|" || read_.IsKeyword(other.end + 1, "COLLATE");
      if (!IsTextual(operand.nature) || is_text) return std::nullopt;
      return FaultOfNumber(operand, other);
    }
    if (!is_whole || IsTextual(operand.nature) == IsTextual(other.nature)) return std::nullopt;
    const Operand& text = IsTextual(operand.nature) ? operand : other;
    const Operand& number = IsTextual(operand.nature) ? other : operand;
    // Beside a column of numbers SQLite reads the text that a call gives: v = strftime('%Y', day).
    if (text.form == Form::kCall && number.form == Form::kColumn) return std::nullopt;
    return FaultOfBoth(text, number, other);
  }

  // A column of texts in a sum: SQLite takes the digits that a text begins with, or else 0. Of
  // calls nothing is said: strftime('%s', a) - strftime('%s', b) is the way to write it.
  [[nodiscard]] std::optional<Fault> FindArithmetic(const Operand& operand) const {
    if (operand.form != Form::kColumn || !IsTextual(operand.nature)) return std::nullopt;
    const std::size_t next = operand.end + 1;
    const bool is_path = read_.Word(next + 1) == ">";  // -> and ->> of JSON
    const bool after = IsSum(next) && !is_path && !MeansACast(next, read_.Word(next + 1));
    const std::size_t last = operand.begin - 1;
    const bool before = operand.begin > 0 && IsSum(last) &&
                        !MeansACast(last, last > 0 ? read_.Word(last - 1) : std::string_view());
    if (!after && !before) return std::nullopt;
    return Fault{fmt::format("{} is {}, with which SQL does not calculate", NameOf(operand),
                             KindOf(operand)),
                 operand.nature == Nature::kTime
                     ? "take days_between(...) of two times, or a part of it, such as year(...)"
                     : fmt::format("CAST({} AS REAL) makes numbers of texts", Written(operand)),
                 true, read_.token(operand.begin).begin, read_.token(operand.end).end};
  }

  [[nodiscard]] bool IsSum(std::size_t i) const {
    const std::string_view word = read_.Word(i);
    return word == "+" || word == "-" || word == "*" || word == "/" || word == "%";
  }
  // x + 0 and x * 1 are how some write CAST(x AS REAL).
  [[nodiscard]] bool MeansACast(std::size_t sign, std::string_view other) const {
    return (read_.Word(sign) == "+" && other == "0") || (read_.Word(sign) == "*" && other == "1");
  }

  [[nodiscard]] std::string NameOf(const Operand& operand) const {
    if (operand.form == Form::kColumn) return fmt::format("the column '{}'", operand.column->name);
    return Excerpt(operand);
  }
  [[nodiscard]] static std::string KindOf(const Operand& operand) {
    if (operand.form == Form::kColumn) {
      return std::string(table::ColumnTypeName(operand.column->type));
    }
    return IsTextual(operand.nature) ? "a text" : "a number";
  }
  // A call as it is written, if that is short.
  [[nodiscard]] std::string Excerpt(const Operand& operand) const {
    constexpr std::size_t kShownMax = 60;
    const std::string_view text = read_.Between(operand.begin, operand.end);
    return text.size() <= kShownMax ? std::string(text)
                                    : fmt::format("{}(...)", read_.Word(operand.begin));
  }
  [[nodiscard]] std::string Written(const Operand& operand) const {
    if (operand.form != Form::kColumn) return Excerpt(operand);
    constexpr std::string_view kPlain =
        "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
    const std::string& name = operand.column->name;
    const bool plain =
        name.find_first_not_of(kPlain) == std::string::npos && kPlain.find(name.front()) > 9;
    return plain ? name : QuoteName(name);
  }

  [[nodiscard]] Fault FaultOfText(const Operand& operand, const std::string& value,
                                  const Token& text) const {
    const bool is_column = operand.form == Form::kColumn;
    const bool is_bool = is_column && operand.column->type == table::ColumnType::kBool;
    return {fmt::format("'{}' is a text and {} is {}: they do not compare", value, NameOf(operand),
                        KindOf(operand)),
            is_bool     ? fmt::format("write {0}, or NOT {0}", QuoteName(operand.column->name))
            : is_column ? "compare with a number, or cast the column"
                        : "compare with a number, written without quotes",
            true, text.begin, text.end};
  }

  [[nodiscard]] Fault FaultOfNumber(const Operand& operand, const Operand& number) const {
    return {fmt::format("{} is a number and {} is {}: they do not compare",
                        read_.Between(number.begin, number.end), NameOf(operand), KindOf(operand)),
            HowToCompare(operand), true, read_.token(number.begin).begin,
            read_.token(number.end).end};
  }

  [[nodiscard]] Fault FaultOfBoth(const Operand& text, const Operand& number,
                                  const Operand& at) const {
    return {fmt::format("{} is {} and {} is {}: they do not compare", NameOf(text), KindOf(text),
                        NameOf(number), KindOf(number)),
            HowToCompare(text), true, read_.token(BeginOfName(at)).begin, read_.token(at.end).end};
  }
  // Of "data.x" that is "x".
  [[nodiscard]] std::size_t BeginOfName(const Operand& operand) const {
    return read_.Word(operand.begin + 1) == "." ? operand.end : operand.begin;
  }

  [[nodiscard]] std::string HowToCompare(const Operand& operand) const {
    if (operand.nature == Nature::kTime) {
      return "compare with a text such as '2011-01-31', or with a part of the time, such as "
             "year(...)";
    }
    return fmt::format("CAST({} AS REAL) compares as numbers, and a text in quotes as texts",
                       Written(operand));
  }

  const OperandReader read_;
};

}  // namespace

std::optional<Fault> FindTextComparison(std::string_view sql, const table::Schema& schema) {
  return Judge(sql, schema).Find();
}

}  // namespace dml::sql

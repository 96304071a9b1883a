#include "plugins/table/sql/operands.h"

#include <algorithm>
#include <array>
#include <span>
#include <string>

namespace dml::sql {

namespace {

using Kind = Token::Kind;
using Form = Operand::Form;

std::string Upper(std::string_view word) {
  std::string out(word);
  for (char& c : out) c = c >= 'a' && c <= 'z' ? static_cast<char>(c & ~0x20) : c;
  return out;
}

std::optional<Nature> NatureOf(table::ColumnType type) {
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
  return std::nullopt;
}

// Functions whose result is one of their arguments; of nullif it is the first, of iif not the
// first.
constexpr auto kPassing = std::to_array<std::string_view>(
    {"COALESCE", "IFNULL", "NULLIF", "IIF", "MIN", "MAX", "FIRST", "LAST"});
constexpr auto kOfTexts = std::to_array<std::string_view>(
    {"LOWER", "UPPER", "TRIM", "LTRIM", "RTRIM", "SUBSTR", "SUBSTRING", "REPLACE", "PRINTF",
     "FORMAT", "HEX", "QUOTE", "CHAR", "DATE", "TIME", "DATETIME", "STRFTIME", "TYPEOF"});
constexpr auto kOfNumbers =
    std::to_array<std::string_view>({"ABS",       "ROUND",        "LENGTH",
                                     "INSTR",     "UNICODE",      "SUM",
                                     "AVG",       "TOTAL",        "COUNT",
                                     "MEDIAN",    "QUANTILE",     "VAR",
                                     "STDDEV",    "VAR_POP",      "STDDEV_POP",
                                     "YEAR",      "QUARTER",      "MONTH",
                                     "WEEK",      "DAY",          "HOUR",
                                     "MINUTE",    "SECOND",       "WEEKDAY",
                                     "DAYOFYEAR", "DAYS_BETWEEN", "SECONDS_BETWEEN",
                                     "JULIANDAY", "UNIXEPOCH",    "LN",
                                     "LOG",       "LOG10",        "LOG2",
                                     "EXP",       "SQRT",         "POW",
                                     "POWER",     "FLOOR",        "CEIL",
                                     "CEILING",   "MOD",          "SIGN"});
// Behind other words a bracket is the beginning of a call, or of a list.
constexpr auto kBeforeBrackets =
    std::to_array<std::string_view>({"AND", "OR", "NOT", "WHEN", "THEN", "ELSE", "CASE", "WHERE",
                                     "ON", "HAVING", "SELECT", "BY", "IS", "BETWEEN"});

bool IsAmong(std::span<const std::string_view> names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

}  // namespace

OperandReader::OperandReader(std::string_view sql, const table::Schema& schema)
    : sql_(sql), schema_(schema), tokens_(Tokenize(sql)), operands_(tokens_.size()) {
  // From behind: what is inside an operand begins after it.
  for (std::size_t i = tokens_.size(); i-- > 0;) operands_[i] = Find(i);
}

std::string_view OperandReader::Word(std::size_t i) const {
  return i < tokens_.size() ? Between(i, i) : std::string_view();
}

bool OperandReader::IsKeyword(std::size_t i, std::string_view upper) const {
  return Is(i, Kind::kWord) && Upper(Word(i)) == upper;
}

std::optional<std::size_t> OperandReader::EndOfNumber(std::size_t i) const {
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

const table::Field* OperandReader::ColumnNamed(std::size_t i) const {
  if (!Is(i, Kind::kWord) && !Is(i, Kind::kName)) return nullptr;
  if (Is(i + 1, Kind::kOpen)) return nullptr;
  const std::string name = Is(i, Kind::kName) ? Unquote(Word(i)) : std::string(Word(i));
  const int index = schema_.IndexOf(name);
  return index < 0 ? nullptr : &schema_.fields[static_cast<std::size_t>(index)];
}

std::optional<std::size_t> OperandReader::CloseOf(std::size_t open) const {
  int depth = 0;
  for (std::size_t i = open; i < tokens_.size(); ++i) {
    if (Is(i, Kind::kOpen)) ++depth;
    if (Is(i, Kind::kClose) && --depth == 0) return i;
  }
  return std::nullopt;
}

std::optional<Operand> OperandReader::Find(std::size_t i) const {
  if (Is(i, Kind::kText)) return Operand{Form::kText, i, i, Nature::kText};
  if (const auto end = EndOfNumber(i)) return Operand{Form::kNumber, i, *end, Nature::kNumber};
  if (Is(i, Kind::kOpen)) return FindBracketed(i);
  const std::size_t name = Word(i + 1) == "." && !Is(i, Kind::kOther) ? i + 2 : i;
  if (const table::Field* column = ColumnNamed(name)) {
    const auto nature = NatureOf(column->type);
    if (!nature) return std::nullopt;
    return Operand{Form::kColumn, i, name, *nature, column};
  }
  return FindCall(i);
}

std::optional<Operand> OperandReader::FindBracketed(std::size_t open) const {
  const bool of_call = open > 0 && (Is(open - 1, Kind::kWord) || Is(open - 1, Kind::kName)) &&
                       !IsAmong(kBeforeBrackets, Upper(Word(open - 1)));
  if (of_call || open + 1 >= tokens_.size() || !operands_[open + 1]) return std::nullopt;
  Operand inner = *operands_[open + 1];
  const bool is_literal = inner.form == Form::kNumber || inner.form == Form::kText;
  if (is_literal || !Is(inner.end + 1, Kind::kClose)) return std::nullopt;
  inner.begin = open;
  ++inner.end;
  return inner;
}

std::optional<Operand> OperandReader::FindCall(std::size_t name) const {
  if (!Is(name, Kind::kWord) || !Is(name + 1, Kind::kOpen)) return std::nullopt;
  const auto close = CloseOf(name + 1);
  if (!close) return std::nullopt;
  const std::string function = Upper(Word(name));
  std::optional<Nature> nature;
  if (IsAmong(kOfTexts, function)) nature = Nature::kText;
  if (IsAmong(kOfNumbers, function)) nature = Nature::kNumber;
  if (IsAmong(kPassing, function)) nature = NatureOfArguments(name + 1, *close, function);
  if (!nature) return std::nullopt;
  return Operand{Form::kCall, name, *close, *nature};
}

// A text if one of the arguments is, for then results may be; a number if all are.
std::optional<Nature> OperandReader::NatureOfArguments(std::size_t open, std::size_t close,
                                                       std::string_view function) const {
  std::optional<Nature> textual;
  bool all_known = true;
  std::size_t number = 0;
  for (std::size_t begin = open + 1; begin < close; ++number) {
    std::size_t end = begin;  // of this argument: the next comma, or the bracket that closes
    for (int depth = 0; end < close && (depth > 0 || Word(end) != ","); ++end) {
      depth += Is(end, Kind::kOpen) ? 1 : Is(end, Kind::kClose) ? -1 : 0;
    }
    const bool is_result = function == "NULLIF" ? number == 0 : function != "IIF" || number > 0;
    const auto& operand = operands_[begin];
    const bool is_missing = IsKeyword(begin, "NULL") && begin + 1 == end;
    if (is_result && !is_missing) {
      if (!operand || operand->end + 1 != end) {
        all_known = false;
      } else if (IsTextual(operand->nature) && textual != Nature::kText) {
        textual = operand->nature;
      }
    }
    begin = end + 1;
  }
  if (textual) return textual;
  return all_known && number > 0 ? std::optional(Nature::kNumber) : std::nullopt;
}

}  // namespace dml::sql

#include "plugins/table/csv/cell_type.h"

#include <fmt/format.h>

#include <algorithm>

#include "plugins/table/csv/number.h"

namespace dml::table {

namespace {

// Position among the numeric types, or -1.
int NumericRank(CellType type) {
  switch (type) {
    case CellType::kInt64:
      return 0;
    case CellType::kWhole:
      return 1;
    case CellType::kFloat64:
      return 2;
    case CellType::kNothing:
    case CellType::kBool:
    case CellType::kTimestamp:
    case CellType::kText:
      break;
  }
  return -1;
}

std::string_view WithoutSign(std::string_view text) {
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  return text;
}

}  // namespace

CellType JoinCellTypes(CellType a, CellType b) {
  if (a == b || b == CellType::kNothing) return a;
  if (a == CellType::kNothing) return b;
  const int rank_a = NumericRank(a);
  const int rank_b = NumericRank(b);
  if (rank_a < 0 || rank_b < 0) return CellType::kText;
  return rank_a > rank_b ? a : b;
}

std::optional<bool> ParseBool(std::string_view text) {
  for (const std::string_view word : {"true", "True", "TRUE"}) {
    if (text == word) return true;
  }
  for (const std::string_view word : {"false", "False", "FALSE"}) {
    if (text == word) return false;
  }
  return std::nullopt;
}

bool IsWholeNumber(std::string_view text) {
  text = WithoutSign(text);
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

bool HasLeadingZero(std::string_view text) {
  const std::string_view digits = WithoutSign(text);
  return digits.size() > 1 && digits.front() == '0' && IsWholeNumber(text);
}

std::string RoundingWarning(std::string_view column) {
  return fmt::format(
      "Column '{}' holds whole numbers beyond 64 bits, which float64 rounds; declare it as string "
      "if it is a key.",
      column);
}

std::string RoundingWarning(std::string_view column, const InexactCell& cell) {
  return fmt::format(
      "Column '{}' holds the whole number {} in row {}, which float64 rounds; float64 it is "
      "because other cells have decimals. Declare it as string if it is a key.",
      column, cell.text, cell.row + 1);
}

CellType ClassifyCell(std::string_view text, const Dialect& dialect) {
  if (HasLeadingZero(text)) return CellType::kText;
  if (ParseInt64(text)) return CellType::kInt64;
  if (IsWholeNumber(text)) return CellType::kWhole;
  if (ParseDouble(text, dialect.decimal)) return CellType::kFloat64;
  if (dialect.ParseTime(text)) return CellType::kTimestamp;
  return ParseBool(text) ? CellType::kBool : CellType::kText;
}

}  // namespace dml::table

#include "plugins/table/csv/cell_type.h"

#include <algorithm>

#include "plugins/table/csv/number.h"

namespace dml::table {

CellType JoinCellTypes(CellType a, CellType b) {
  if (a == b || b == CellType::kNothing) return a;
  if (a == CellType::kNothing) return b;
  const auto numeric = [](CellType t) { return t == CellType::kInt64 || t == CellType::kFloat64; };
  return numeric(a) && numeric(b) ? CellType::kFloat64 : CellType::kText;
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

bool HasLeadingZero(std::string_view text) {
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  return text.size() > 1 && text.front() == '0' &&
         std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

CellType ClassifyCell(std::string_view text, const Dialect& dialect) {
  if (HasLeadingZero(text)) return CellType::kText;
  if (ParseInt64(text)) return CellType::kInt64;
  if (ParseDouble(text, dialect.decimal)) return CellType::kFloat64;
  if (dialect.ParseTime(text)) return CellType::kTimestamp;
  return ParseBool(text) ? CellType::kBool : CellType::kText;
}

}  // namespace dml::table

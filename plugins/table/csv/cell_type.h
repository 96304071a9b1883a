#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "plugins/table/csv/dialect.h"

namespace dml::table {

// What the cells of a column have turned out to be: a lattice whose join does not depend on the
// order of the cells. Nothing is the bottom, text the top, and int64 < whole < float64, where whole
// numbers are those of which some exceed int64: they are held as float64.
enum class CellType { kNothing, kBool, kInt64, kWhole, kFloat64, kTimestamp, kText };

[[nodiscard]] CellType JoinCellTypes(CellType a, CellType b);

// The narrowest type of a cell that is not missing. `text` carries no surrounding spaces.
[[nodiscard]] CellType ClassifyCell(std::string_view text, const Dialect& dialect);

// What to tell of a column of whole numbers that float64 rounds.
[[nodiscard]] std::string RoundingWarning(std::string_view column);

// The first cell of a column whose value is not what was written.
struct InexactCell {
  std::uint64_t row = 0;  // from 0
  std::string text;
};
// The same of a column that is float64 for its decimals and holds the whole number `cell`.
[[nodiscard]] std::string RoundingWarning(std::string_view column, const InexactCell& cell);

[[nodiscard]] std::optional<bool> ParseBool(std::string_view text);

// A whole number written with a leading zero, such as 0042: a key, not a quantity.
[[nodiscard]] bool HasLeadingZero(std::string_view text);

// Digits with an optional sign, however many.
[[nodiscard]] bool IsWholeNumber(std::string_view text);

}  // namespace dml::table

#pragma once

#include <cstdint>
#include <string_view>

#include "plugins/table/column.h"

namespace dml::sql {

// Cells as keys, equal as SQL sees them: 1 equals 1.0 and true, a category equals the same string,
// a time equals the same instant. A missing cell hashes like any other, and equals only another
// one.

[[nodiscard]] std::uint64_t HashNumber(double value);
[[nodiscard]] std::uint64_t HashInteger(std::int64_t value);
[[nodiscard]] std::uint64_t HashText(std::string_view text);

// The hash of a key of several cells.
inline constexpr std::uint64_t kKeyHashSeed = 0x9E3779B97F4A7C15U;
[[nodiscard]] constexpr std::uint64_t CombineHash(std::uint64_t key, std::uint64_t cell) {
  key = (key ^ cell) * 0xD6E8FEB86659FD93U;
  return key ^ (key >> 32);
}

// Mixes the cells of `column` into the hashes of their rows.
void HashCells(const table::Column& column, std::span<std::uint64_t> hashes);

// Whether two cells are one key; their columns are comparable.
[[nodiscard]] bool SameCell(const table::Column& a, std::size_t a_row, const table::Column& b,
                            std::size_t b_row);

// Whether cells of these types can be equal: numbers with numbers, texts with texts, times with
// times.
[[nodiscard]] bool AreComparable(table::ColumnType a, table::ColumnType b);

}  // namespace dml::sql

#pragma once

#include <cstdint>
#include <span>

#include "plugins/table/column.h"
#include "plugins/table/sql/resident_columns.h"

namespace dml::sql {

// The cells of column `index` in the rows listed, in that order; a row beyond the table gives a
// missing cell, or no entries in a sparse column. The result has the type of `field`, which takes
// the values of the column, and must not outlive `columns`.
[[nodiscard]] table::Column Gather(const ResidentColumns& columns, std::size_t index,
                                   const table::Field& field, std::span<const std::uint32_t> rows);

}  // namespace dml::sql

#pragma once

#include <cstdint>

#include "base/result.h"
#include "plugins/table/column.h"

namespace dml::steps {

// The column as another type. Numbers, booleans and timestamps become text as they are written;
// text becomes a number, a boolean or a timestamp by the rules of the CSV reader. A value that has
// no counterpart (text that is no number, 1.5 as int64) is kInvalid with its row
// (first_row + row + 1). Missing stays missing.
Result<table::Column> CastColumn(const table::Column& column, table::ColumnType type,
                                 std::uint64_t first_row);

}  // namespace dml::steps

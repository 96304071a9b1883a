#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "plugins/table/sql/connection.h"
#include "plugins/table/sql/result_set.h"
#include "plugins/table/sql/row_source.h"
#include "plugins/table/sql/sql_text.h"

namespace dml::sql {

// Expressions over the columns of one row. Rows do not depend on each other, so parts of them can
// be evaluated on several threads, each call with a connection of its own. Errors name the
// parameter and the place in it; those of a value also the row, counted from 1.

// Whether the texts are expressions over these columns.
Result<void> CheckExpressions(const table::Schema& schema, const std::vector<UserText>& texts,
                              const ConnectionOptions& options);

// The rows, counted from 0, in which `where` is true: not false, zero or missing. A text is an
// error.
Result<std::vector<std::uint32_t>> SelectRows(const RowSource& rows, const UserText& where,
                                              const ConnectionOptions& options);

// The values of one expression a column, in every row.
Result<void> EvaluateRows(const RowSource& rows, const std::vector<UserText>& texts,
                          const ConnectionOptions& options, ResultChunk& chunk);

}  // namespace dml::sql

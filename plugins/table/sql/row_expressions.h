#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "plugins/table/sql/connection.h"
#include "plugins/table/sql/result_set.h"
#include "plugins/table/sql/sql_text.h"
#include "plugins/table/table.h"

namespace dml::sql {

// Expressions over the columns of one row. The rows of a partition depend on that partition alone,
// so partitions can be evaluated on several threads, each call with a connection of its own.
// Errors name the parameter and the place in it; those of a value also the row, counted from 1.

// Whether the texts are expressions that the schema of `table` can answer.
Result<void> CheckExpressions(const table::Table& table, const std::vector<UserText>& texts,
                              const ConnectionOptions& options);

// The rows of a partition in which `where` is true: not false, zero or missing. A text is an error.
Result<std::vector<std::uint32_t>> SelectRows(const table::Table& table, std::size_t partition,
                                              const UserText& where,
                                              const ConnectionOptions& options);

// The values of one expression a column, in every row of a partition.
Result<void> EvaluateRows(const table::Table& table, std::size_t partition,
                          const std::vector<UserText>& texts, const ConnectionOptions& options,
                          ResultChunk& chunk);

}  // namespace dml::sql

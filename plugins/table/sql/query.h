#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "plugins/table/sql/connection.h"
#include "plugins/table/sql/sql_text.h"
#include "plugins/table/table.h"

namespace dml::sql {

// A table and what SQL calls it.
struct NamedTable {
  std::string name;
  table::Table table;
};

struct QueryResult {
  std::uint64_t rows = 0;
  std::vector<std::uint64_t> partition_rows;
};

// What a result should be, beyond what its values tell (column_findings.h).
using ResultTypes = std::map<std::string, table::ColumnType>;

// Runs one SELECT over `tables`, or over the database of `options`, and writes its rows as a table
// of partitions of about 32 MiB into `directory`. The order is the query's.
Result<QueryResult> RunQuery(SqlText query, const std::vector<NamedTable>& tables,
                             const ResultTypes& types, const ConnectionOptions& options,
                             const std::string& directory);

// SELECT keys, columns FROM data GROUP BY keys ORDER BY keys.
struct Aggregation {
  std::vector<std::string> by;
  std::vector<UserText> columns;   // the parameter of each is "columns.NAME"
  std::vector<std::string> names;  // of `columns`
};
Result<QueryResult> Aggregate(const Aggregation& aggregation, const table::Table& data,
                              const ResultTypes& types, const ConnectionOptions& options,
                              const std::string& directory);

}  // namespace dml::sql

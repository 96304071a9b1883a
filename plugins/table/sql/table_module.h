#pragma once

#include <cstdint>
#include <stop_token>
#include <string>

#include "base/result.h"
#include "plugins/table/sql/connection.h"
#include "plugins/table/table.h"

namespace dml::sql {

// The partitions [first, end) of a table that SQL sees under `name`.
struct TableSource {
  std::string name;
  table::Table table;
  std::size_t first_partition = 0;
  std::size_t end_partition = 0;
};

// Makes a table readable on a connection. Rows come in order; rowid counts from 1. Columns:
//   float64, float32            REAL; NaN does not exist, it is a missing value
//   int64                       INTEGER, all 64 bits
//   bool                        INTEGER 0 or 1
//   timestamp                   TEXT as in time_text.h, compared as times
//   category, string            TEXT
//   sparse                      not visible
// Missing values are NULL. A join that looks up keys builds an index of them (row_index.h).
Result<void> AddTable(Connection& connection, const TableSource& source);

// The type of a table's column behind a declaration that SQLite hands on; nothing for others.
[[nodiscard]] std::optional<table::ColumnType> DeclaredType(const char* declaration);

}  // namespace dml::sql

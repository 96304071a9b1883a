#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "plugins/table/sql/connection.h"
#include "plugins/table/sql/row_source.h"

namespace dml::sql {

// Makes rows readable on a connection, as the table `name`. They come in order; rowid counts
// from 1. Columns:
//   float64, float32            REAL; NaN does not exist, it is a missing value
//   int64                       INTEGER, all 64 bits
//   bool                        INTEGER 0 or 1
//   timestamp                   TEXT as in time_text.h, compared as times
//   category, string            TEXT
//   sparse                      not visible
// Missing values are NULL. A join that looks up keys builds an index of them (row_index.h). Of a
// table with more columns than SQLite takes those are readable that `statement` names.
Result<void> AddTable(Connection& connection, const std::string& name, const RowSource& rows,
                      std::string_view statement);

// The type of a table's column behind a declaration that SQLite hands on; nothing for others.
[[nodiscard]] std::optional<table::ColumnType> DeclaredType(const char* declaration);

}  // namespace dml::sql

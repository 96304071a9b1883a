#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "plugins/table/sql/query.h"
#include "plugins/table/table.h"
#include "tests/table/temp_dir.h"

namespace dml::sql {

// A cell to write: nothing is missing.
using Value = std::optional<std::string>;

// Tables and queries in a folder of their own.
class QueryLab : public ::testing::Test {
 protected:
  // Adds a table; every row lists a text for each field, "" is an empty text or, in a column that
  // is no text, missing. Partitions hold `partition_rows` rows.
  void AddTable(const std::string& name, const table::Schema& schema,
                const std::vector<std::vector<Value>>& rows, std::size_t partition_rows = 2);

  // The result, one line a row, cells joined by '|', missing ones as ~; or the rendered error.
  std::string Query(const std::string& sql, const ResultTypes& types = {});
  // "name:type" of each column of the result.
  std::string Types(const std::string& sql, const ResultTypes& types = {});

  ConnectionOptions options_;
  table::TempDir folder_;

 private:
  Result<table::Table> Run(const std::string& sql, const ResultTypes& types);

  std::vector<NamedTable> tables_;
  int runs_ = 0;
};

}  // namespace dml::sql

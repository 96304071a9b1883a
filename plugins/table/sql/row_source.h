#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "plugins/table/batch.h"
#include "plugins/table/table.h"

namespace dml::sql {

// The rows that SQL reads under one name, piece by piece in order: partitions of a table, or a
// batch in memory. A value; copies share the rows. Thread-safe.
class RowSource {
 public:
  // The partitions [begin, end).
  RowSource(table::Table table, std::size_t begin, std::size_t end);
  static RowSource Whole(const table::Table& table) { return {table, 0, table.partition_count()}; }
  static RowSource Of(table::Batch batch);
  // No rows of these columns.
  static RowSource Empty(table::Schema schema);

  [[nodiscard]] const table::Schema& schema() const;
  // The number of the first row among all rows there are, from 0.
  [[nodiscard]] std::uint64_t first_row() const;
  [[nodiscard]] std::size_t pieces() const;
  [[nodiscard]] std::size_t piece_rows(std::size_t piece) const;
  // The named columns, of which there is at least one.
  [[nodiscard]] Result<table::Batch> Read(std::size_t piece,
                                          const std::vector<std::string>& columns) const;

  // The table they are from, all of it; null if they are from none.
  [[nodiscard]] const table::Table* table() const { return table_ ? &*table_ : nullptr; }

 private:
  RowSource() = default;

  std::optional<table::Table> table_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  table::Batch batch_;  // unless there is a table
};

}  // namespace dml::sql

#pragma once

#include <cstdint>
#include <vector>

#include "plugins/table/column.h"
#include "plugins/table/schema.h"

namespace dml::table {

// Rows of a table in memory: one column per field, all of equal length. Immutable by convention;
// copies share the column buffers.
struct Batch {
  Schema schema;
  std::vector<Column> columns;
  std::size_t rows = 0;
  std::uint64_t first_row = 0;  // index of row 0 in the whole table

  [[nodiscard]] Result<const Column*> Find(std::string_view name) const;
  // Replaces the column of that name, or appends it.
  void Set(Field field, Column column);
  [[nodiscard]] Batch Slice(std::size_t begin, std::size_t end) const;
  [[nodiscard]] Batch Take(std::span<const std::uint32_t> selected) const;
};

}  // namespace dml::table

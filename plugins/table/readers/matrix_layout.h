#pragma once

#include <cstdint>
#include <string>

#include "plugins/table/column.h"
#include "plugins/table/csv/text_source.h"

namespace dml::table {

// Where the elements of a dense array are in a file, and what they are.
struct MatrixLayout {
  enum class Element { kF4, kF8, kI1, kI2, kI4, kI8, kU1, kU2, kU4, kBool };

  Element element = Element::kF8;
  bool big_endian = false;
  bool fortran = false;  // columns are contiguous instead of rows
  std::uint64_t rows = 0;
  std::uint64_t columns = 0;
  std::uint64_t offset = 0;  // of the first element

  [[nodiscard]] std::size_t ElementSize() const;
  [[nodiscard]] ColumnType Type() const;  // float64, float32, int64 or bool
  // kInvalid unless the elements fill the rest of the file exactly.
  [[nodiscard]] Result<void> CheckSize(const TextSource::File& file) const;
};

// Columns [0, layout.columns) of rows [begin, end).
Result<std::vector<Column>> ReadMatrix(const TextSource& source, const TextSource::File& file,
                                       const MatrixLayout& layout, std::uint64_t begin,
                                       std::uint64_t end);

// The headers of the two formats. Anything malformed is kInvalid.
Result<MatrixLayout> ParseNpyHeader(const TextSource& source, const TextSource::File& file);
Result<MatrixLayout> ParseIdxHeader(const TextSource& source, const TextSource::File& file);

}  // namespace dml::table

#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "plugins/table/column.h"

namespace dml::table {

// Grows one column row by row. Append the method that fits the type, or AppendMissing. Finish()
// hands the storage to an immutable Column; category dictionaries come out sorted. Not thread-safe.
class ColumnBuilder {
 public:
  explicit ColumnBuilder(Field field);
  ~ColumnBuilder();
  ColumnBuilder(ColumnBuilder&&) noexcept;
  ColumnBuilder& operator=(ColumnBuilder&&) noexcept;

  void Reserve(std::size_t rows);
  void AppendMissing();
  void AppendDouble(double value);       // kFloat64, kFloat32
  void AppendInt64(std::int64_t value);  // kInt64, kTimestamp
  void AppendBool(bool value);
  void AppendText(std::string_view value);  // kString, kCategory
  void AppendSparse(std::span<const std::int32_t> indices, std::span<const double> values);
  [[nodiscard]] std::size_t size() const;
  [[nodiscard]] Column Finish();

 private:
  struct Storage;
  Field field_;
  std::unique_ptr<Storage> storage_;
};

// A column that owns `values`; rows whose value is NaN are missing.
Column MakeFloat64(std::vector<double> values);

}  // namespace dml::table

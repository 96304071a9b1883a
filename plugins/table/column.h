#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/table/schema.h"

namespace dml::table {

// Distinct strings of a category column, sorted bytewise, so that equal data gives equal codes.
using Dictionary = std::vector<std::string>;

// An immutable typed array with validity bits. Buffers are borrowed from `owner` (a mapped file or
// a heap block), so copies are cheap and thread-safe. Under a missing value the buffers hold:
// float NaN, integers and timestamps 0, bool 0, category code -1, string "", sparse no entries.
class Column {
 public:
  Column() = default;

  // Constructors over storage kept alive by `owner`; `validity` has one bit a row, least
  // significant first, and is empty when nothing is missing.
  static Column Float64(std::span<const double> values, std::span<const std::uint8_t> validity,
                        std::shared_ptr<const void> owner);
  static Column Float32(std::span<const float> values, std::span<const std::uint8_t> validity,
                        std::shared_ptr<const void> owner);
  static Column Int64(std::span<const std::int64_t> values, std::span<const std::uint8_t> validity,
                      std::shared_ptr<const void> owner);
  static Column Bool(std::span<const std::uint8_t> values, std::span<const std::uint8_t> validity,
                     std::shared_ptr<const void> owner);
  static Column Timestamp(std::span<const std::int64_t> micros,
                          std::span<const std::uint8_t> validity,
                          std::shared_ptr<const void> owner);
  static Column Category(std::span<const std::int32_t> codes,
                         std::shared_ptr<const Dictionary> dictionary,
                         std::span<const std::uint8_t> validity, std::shared_ptr<const void> owner);
  // offsets has rows + 1 entries into `bytes`.
  static Column String(std::span<const std::int64_t> offsets, std::span<const char> bytes,
                       std::span<const std::uint8_t> validity, std::shared_ptr<const void> owner);
  // offsets has rows + 1 entries into `indices` and `values`; indices ascend within a row.
  static Column Sparse(std::int64_t width, std::span<const std::int64_t> offsets,
                       std::span<const std::int32_t> indices, std::span<const double> values,
                       std::shared_ptr<const void> owner);

  [[nodiscard]] ColumnType type() const { return type_; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool has_missing() const { return !validity_.empty(); }
  [[nodiscard]] bool IsValid(std::size_t row) const {
    return validity_.empty() || ((validity_[row >> 3] >> (row & 7)) & 1) != 0;
  }
  [[nodiscard]] std::size_t CountMissing() const;
  [[nodiscard]] std::span<const std::uint8_t> validity() const { return validity_; }

  // Each accessor requires its type.
  [[nodiscard]] std::span<const double> float64() const;
  [[nodiscard]] std::span<const float> float32() const;
  [[nodiscard]] std::span<const std::int64_t> int64() const;  // also kTimestamp
  [[nodiscard]] std::span<const std::uint8_t> bools() const;
  [[nodiscard]] std::span<const std::int32_t> codes() const;
  [[nodiscard]] const Dictionary& dictionary() const;
  [[nodiscard]] std::string_view string(std::size_t row) const;  // kString or kCategory
  [[nodiscard]] std::span<const std::int64_t> offsets() const;   // kString or kSparse
  [[nodiscard]] std::span<const char> string_bytes() const;
  [[nodiscard]] std::int64_t width() const { return width_; }
  [[nodiscard]] std::span<const std::int32_t> sparse_indices() const;
  [[nodiscard]] std::span<const double> sparse_values() const;

  // A numeric reading of any of float, int, bool, timestamp (seconds): NaN when missing.
  [[nodiscard]] double AsDouble(std::size_t row) const;
  [[nodiscard]] bool IsNumeric() const;  // float64, float32, int64, bool
  // The value as text, "" when missing.
  [[nodiscard]] std::string AsText(std::size_t row) const;

  // Rows [begin, end) without copying where the layout allows it.
  [[nodiscard]] Column Slice(std::size_t begin, std::size_t end) const;
  // The rows listed, in that order.
  [[nodiscard]] Column Take(std::span<const std::uint32_t> rows) const;

 private:
  ColumnType type_ = ColumnType::kFloat64;
  std::size_t size_ = 0;
  std::int64_t width_ = 1;
  const void* values_ = nullptr;           // element type by type_; string bytes; sparse values
  std::span<const std::int64_t> offsets_;  // kString, kSparse
  std::span<const std::int32_t> indices_;  // kSparse
  std::size_t values_size_ = 0;            // elements in values_
  std::span<const std::uint8_t> validity_;
  std::shared_ptr<const Dictionary> dictionary_;
  std::shared_ptr<const void> owner_;
};

}  // namespace dml::table

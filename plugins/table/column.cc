#include "plugins/table/column.h"

#include <fmt/format.h>

#include <limits>

#include "plugins/table/civil_time.h"
#include "plugins/table/validity.h"

namespace dml::table {

namespace {

// The shortest text that reads back as an equal number; integral values keep no ".0", and zero no
// sign: equal values are one class, one group and one category.
template <typename T>
std::string NumberText(T value) {
  return fmt::format("{}", value == T{0} ? T{0} : value);
}

}  // namespace

Column Column::Float64(std::span<const double> values, std::span<const std::uint8_t> validity,
                       std::shared_ptr<const void> owner) {
  Column column;
  column.type_ = ColumnType::kFloat64;
  column.size_ = values.size();
  column.values_ = values.data();
  column.values_size_ = values.size();
  column.validity_ = validity;
  column.owner_ = std::move(owner);
  return column;
}

Column Column::Float32(std::span<const float> values, std::span<const std::uint8_t> validity,
                       std::shared_ptr<const void> owner) {
  Column column;
  column.type_ = ColumnType::kFloat32;
  column.size_ = values.size();
  column.values_ = values.data();
  column.values_size_ = values.size();
  column.validity_ = validity;
  column.owner_ = std::move(owner);
  return column;
}

Column Column::Int64(std::span<const std::int64_t> values, std::span<const std::uint8_t> validity,
                     std::shared_ptr<const void> owner) {
  Column column;
  column.type_ = ColumnType::kInt64;
  column.size_ = values.size();
  column.values_ = values.data();
  column.values_size_ = values.size();
  column.validity_ = validity;
  column.owner_ = std::move(owner);
  return column;
}

Column Column::Bool(std::span<const std::uint8_t> values, std::span<const std::uint8_t> validity,
                    std::shared_ptr<const void> owner) {
  Column column;
  column.type_ = ColumnType::kBool;
  column.size_ = values.size();
  column.values_ = values.data();
  column.values_size_ = values.size();
  column.validity_ = validity;
  column.owner_ = std::move(owner);
  return column;
}

Column Column::Timestamp(std::span<const std::int64_t> micros,
                         std::span<const std::uint8_t> validity,
                         std::shared_ptr<const void> owner) {
  Column column = Int64(micros, validity, std::move(owner));
  column.type_ = ColumnType::kTimestamp;
  return column;
}

Column Column::Category(std::span<const std::int32_t> codes,
                        std::shared_ptr<const Dictionary> dictionary,
                        std::span<const std::uint8_t> validity, std::shared_ptr<const void> owner) {
  Column column;
  column.type_ = ColumnType::kCategory;
  column.size_ = codes.size();
  column.values_ = codes.data();
  column.values_size_ = codes.size();
  column.dictionary_ = std::move(dictionary);
  column.validity_ = validity;
  column.owner_ = std::move(owner);
  return column;
}

Column Column::String(std::span<const std::int64_t> offsets, std::span<const char> bytes,
                      std::span<const std::uint8_t> validity, std::shared_ptr<const void> owner) {
  DML_CHECK(!offsets.empty(), "string offsets have rows + 1 entries");
  Column column;
  column.type_ = ColumnType::kString;
  column.size_ = offsets.size() - 1;
  column.values_ = bytes.data();
  column.values_size_ = bytes.size();
  column.offsets_ = offsets;
  column.validity_ = validity;
  column.owner_ = std::move(owner);
  return column;
}

Column Column::Sparse(std::int64_t width, std::span<const std::int64_t> offsets,
                      std::span<const std::int32_t> indices, std::span<const double> values,
                      std::shared_ptr<const void> owner) {
  DML_CHECK(!offsets.empty(), "sparse offsets have rows + 1 entries");
  Column column;
  column.type_ = ColumnType::kSparse;
  column.size_ = offsets.size() - 1;
  column.width_ = width;
  column.values_ = values.data();
  column.values_size_ = values.size();
  column.offsets_ = offsets;
  column.indices_ = indices;
  column.owner_ = std::move(owner);
  return column;
}

std::size_t Column::CountMissing() const {
  return validity_.empty() ? 0 : CountZeros(validity_, size_);
}

std::span<const double> Column::float64() const {
  DML_CHECK(type_ == ColumnType::kFloat64, "float64() of a float64 column");
  return {static_cast<const double*>(values_), size_};
}

std::span<const float> Column::float32() const {
  DML_CHECK(type_ == ColumnType::kFloat32, "float32() of a float32 column");
  return {static_cast<const float*>(values_), size_};
}

std::span<const std::int64_t> Column::int64() const {
  DML_CHECK(type_ == ColumnType::kInt64 || type_ == ColumnType::kTimestamp,
            "int64() of an int64 or timestamp column");
  return {static_cast<const std::int64_t*>(values_), size_};
}

std::span<const std::uint8_t> Column::bools() const {
  DML_CHECK(type_ == ColumnType::kBool, "bools() of a bool column");
  return {static_cast<const std::uint8_t*>(values_), size_};
}

std::span<const std::int32_t> Column::codes() const {
  DML_CHECK(type_ == ColumnType::kCategory, "codes() of a category column");
  return {static_cast<const std::int32_t*>(values_), size_};
}

const Dictionary& Column::dictionary() const {
  DML_CHECK(type_ == ColumnType::kCategory, "dictionary() of a category column");
  return *dictionary_;
}

std::string_view Column::string(std::size_t row) const {
  if (type_ == ColumnType::kCategory) {
    const std::int32_t code = codes()[row];
    return code < 0 ? std::string_view() : (*dictionary_)[static_cast<std::size_t>(code)];
  }
  DML_CHECK(type_ == ColumnType::kString, "string() of a string or category column");
  const auto begin = static_cast<std::size_t>(offsets_[row]);
  const auto end = static_cast<std::size_t>(offsets_[row + 1]);
  return {static_cast<const char*>(values_) + begin, end - begin};
}

std::span<const std::int64_t> Column::offsets() const {
  DML_CHECK(type_ == ColumnType::kString || type_ == ColumnType::kSparse,
            "offsets() of a string or sparse column");
  return offsets_;
}

std::span<const char> Column::string_bytes() const {
  DML_CHECK(type_ == ColumnType::kString, "string_bytes() of a string column");
  return {static_cast<const char*>(values_), values_size_};
}

std::span<const std::int32_t> Column::sparse_indices() const {
  DML_CHECK(type_ == ColumnType::kSparse, "sparse_indices() of a sparse column");
  return indices_;
}

std::span<const double> Column::sparse_values() const {
  DML_CHECK(type_ == ColumnType::kSparse, "sparse_values() of a sparse column");
  return {static_cast<const double*>(values_), values_size_};
}

double Column::AsDouble(std::size_t row) const {
  if (!IsValid(row)) return std::numeric_limits<double>::quiet_NaN();
  switch (type_) {
    case ColumnType::kFloat64:
      return float64()[row];
    case ColumnType::kFloat32:
      return static_cast<double>(float32()[row]);
    case ColumnType::kInt64:
      return static_cast<double>(int64()[row]);
    case ColumnType::kBool:
      return bools()[row] != 0 ? 1.0 : 0.0;
    case ColumnType::kTimestamp:
      return static_cast<double>(int64()[row]) / static_cast<double>(kMicrosPerSecond);
    case ColumnType::kCategory:
    case ColumnType::kString:
    case ColumnType::kSparse:
      break;
  }
  DML_UNREACHABLE("AsDouble() of a column with a numeric reading");
}

bool Column::IsNumeric() const {
  return type_ == ColumnType::kFloat64 || type_ == ColumnType::kFloat32 ||
         type_ == ColumnType::kInt64 || type_ == ColumnType::kBool;
}

std::string Column::AsText(std::size_t row) const {
  if (!IsValid(row)) return "";
  switch (type_) {
    case ColumnType::kFloat64:
      return NumberText(float64()[row]);
    case ColumnType::kFloat32:
      return NumberText(float32()[row]);
    case ColumnType::kInt64:
      return NumberText(int64()[row]);
    case ColumnType::kBool:
      return bools()[row] != 0 ? "true" : "false";
    case ColumnType::kTimestamp:
      return FormatTimestamp(int64()[row]);
    case ColumnType::kCategory:
    case ColumnType::kString:
      return std::string(string(row));
    case ColumnType::kSparse: {
      std::string out;
      for (auto i = static_cast<std::size_t>(offsets_[row]);
           i < static_cast<std::size_t>(offsets_[row + 1]); ++i) {
        out += fmt::format("{}{}:{}", out.empty() ? "" : " ", indices_[i], sparse_values()[i]);
      }
      return out;
    }
  }
  DML_UNREACHABLE("every column type has a text");
}

}  // namespace dml::table

#include "plugins/table/column_builder.h"

#include <cmath>
#include <limits>

#include "plugins/table/interner.h"
#include "plugins/table/validity.h"

namespace dml::table {

// Only the buffers of the column's type are used.
struct ColumnBuilder::Storage {
  std::size_t rows = 0;
  std::vector<std::size_t> missing;
  std::vector<double> doubles;  // kFloat64, kSparse
  std::vector<float> floats;
  std::vector<std::int64_t> integers;  // kInt64, kTimestamp
  std::vector<std::uint8_t> bools;
  std::vector<std::int32_t> codes;  // kCategory; the indices of kSparse
  std::vector<char> bytes;
  std::vector<std::int64_t> offsets{0};  // kString, kSparse
  Interner interner;
  std::vector<std::uint8_t> validity;
};

ColumnBuilder::ColumnBuilder(Field field)
    : field_(std::move(field)), storage_(std::make_unique<Storage>()) {}
ColumnBuilder::~ColumnBuilder() = default;
ColumnBuilder::ColumnBuilder(ColumnBuilder&&) noexcept = default;
ColumnBuilder& ColumnBuilder::operator=(ColumnBuilder&&) noexcept = default;

std::size_t ColumnBuilder::size() const { return storage_->rows; }

void ColumnBuilder::Reserve(std::size_t rows) {
  switch (field_.type) {
    case ColumnType::kFloat64:
      return storage_->doubles.reserve(rows);
    case ColumnType::kFloat32:
      return storage_->floats.reserve(rows);
    case ColumnType::kInt64:
    case ColumnType::kTimestamp:
      return storage_->integers.reserve(rows);
    case ColumnType::kBool:
      return storage_->bools.reserve(rows);
    case ColumnType::kCategory:
      return storage_->codes.reserve(rows);
    case ColumnType::kString:
    case ColumnType::kSparse:
      return storage_->offsets.reserve(rows + 1);
  }
}

void ColumnBuilder::AppendMissing() {
  if (field_.type != ColumnType::kSparse) storage_->missing.push_back(storage_->rows);
  ++storage_->rows;
  switch (field_.type) {
    case ColumnType::kFloat64:
      return storage_->doubles.push_back(std::numeric_limits<double>::quiet_NaN());
    case ColumnType::kFloat32:
      return storage_->floats.push_back(std::numeric_limits<float>::quiet_NaN());
    case ColumnType::kInt64:
    case ColumnType::kTimestamp:
      return storage_->integers.push_back(0);
    case ColumnType::kBool:
      return storage_->bools.push_back(0);
    case ColumnType::kCategory:
      return storage_->codes.push_back(-1);
    case ColumnType::kString:
    case ColumnType::kSparse:
      return storage_->offsets.push_back(storage_->offsets.back());
  }
}

void ColumnBuilder::AppendDouble(double value) {
  if (std::isnan(value)) return AppendMissing();
  ++storage_->rows;
  if (field_.type == ColumnType::kFloat32) {
    return storage_->floats.push_back(static_cast<float>(value));
  }
  DML_CHECK(field_.type == ColumnType::kFloat64, "AppendDouble() to a float column");
  storage_->doubles.push_back(value);
}

void ColumnBuilder::AppendInt64(std::int64_t value) {
  DML_CHECK(field_.type == ColumnType::kInt64 || field_.type == ColumnType::kTimestamp,
            "AppendInt64() to an int64 or timestamp column");
  ++storage_->rows;
  storage_->integers.push_back(value);
}

void ColumnBuilder::AppendBool(bool value) {
  DML_CHECK(field_.type == ColumnType::kBool, "AppendBool() to a bool column");
  ++storage_->rows;
  storage_->bools.push_back(value ? 1 : 0);
}

void ColumnBuilder::AppendText(std::string_view value) {
  ++storage_->rows;
  if (field_.type == ColumnType::kCategory) {
    return storage_->codes.push_back(storage_->interner.Intern(value));
  }
  DML_CHECK(field_.type == ColumnType::kString, "AppendText() to a string or category column");
  storage_->bytes.insert(storage_->bytes.end(), value.begin(), value.end());
  storage_->offsets.push_back(static_cast<std::int64_t>(storage_->bytes.size()));
}

void ColumnBuilder::AppendSparse(std::span<const std::int32_t> indices,
                                 std::span<const double> values) {
  DML_CHECK(field_.type == ColumnType::kSparse && indices.size() == values.size(),
            "AppendSparse() to a sparse column");
  ++storage_->rows;
  storage_->codes.insert(storage_->codes.end(), indices.begin(), indices.end());
  storage_->doubles.insert(storage_->doubles.end(), values.begin(), values.end());
  storage_->offsets.push_back(static_cast<std::int64_t>(storage_->doubles.size()));
}

Column ColumnBuilder::Finish() {
  std::shared_ptr<Storage> kept = std::move(storage_);
  storage_ = std::make_unique<Storage>();
  if (!kept->missing.empty()) {
    kept->validity = FullBitmap(kept->rows);
    for (const std::size_t row : kept->missing) ClearBit(kept->validity, row);
  }
  switch (field_.type) {
    case ColumnType::kFloat64:
      return Column::Float64(kept->doubles, kept->validity, kept);
    case ColumnType::kFloat32:
      return Column::Float32(kept->floats, kept->validity, kept);
    case ColumnType::kInt64:
      return Column::Int64(kept->integers, kept->validity, kept);
    case ColumnType::kTimestamp:
      return Column::Timestamp(kept->integers, kept->validity, kept);
    case ColumnType::kBool:
      return Column::Bool(kept->bools, kept->validity, kept);
    case ColumnType::kString:
      return Column::String(kept->offsets, kept->bytes, kept->validity, kept);
    case ColumnType::kSparse:
      return Column::Sparse(field_.width, kept->offsets, kept->codes, kept->doubles, kept);
    case ColumnType::kCategory:
      break;
  }
  auto dictionary = std::make_shared<Dictionary>();
  std::vector<std::int32_t> rank(kept->interner.size());
  for (const std::int32_t index : kept->interner.SortedOrder()) {
    rank[static_cast<std::size_t>(index)] = static_cast<std::int32_t>(dictionary->size());
    dictionary->emplace_back(kept->interner.at(static_cast<std::size_t>(index)));
  }
  for (std::int32_t& code : kept->codes) {
    if (code >= 0) code = rank[static_cast<std::size_t>(code)];
  }
  return Column::Category(kept->codes, std::move(dictionary), kept->validity, kept);
}

Column MakeFloat64(std::vector<double> values) {
  using Kept = std::pair<std::vector<double>, std::vector<std::uint8_t>>;
  auto kept = std::make_shared<Kept>(std::move(values), std::vector<std::uint8_t>{});
  for (std::size_t row = 0; row < kept->first.size(); ++row) {
    if (!std::isnan(kept->first[row])) continue;
    if (kept->second.empty()) kept->second = FullBitmap(kept->first.size());
    ClearBit(kept->second, row);
  }
  return Column::Float64(kept->first, kept->second, kept);
}

}  // namespace dml::table

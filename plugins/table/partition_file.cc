#include "plugins/table/partition_file.h"

#include <fmt/format.h>

#include <algorithm>

#include "plugins/table/validity.h"

namespace dml::table {

Result<PartitionFile> PartitionFile::Open(std::shared_ptr<const TensorFile> file,
                                          const std::string& path) {
  const Json& metadata = file->metadata();
  const auto bad = [&](std::string_view why) {
    return Error::Invalid(fmt::format("'{}' is not a table partition: {}", path, why));
  };
  if (!metadata.is_object() || metadata.value("format", Json()) != "dml.partition") {
    return bad("its header does not say so");
  }
  if (metadata.value("version", Json()) != kPartitionVersion) {
    return bad("its version is not one that this dml reads");
  }
  const Json rows = metadata.value("rows", Json());
  if (!rows.is_number_unsigned() || rows.get<std::uint64_t>() > UINT32_MAX) {
    return bad("its number of rows is malformed");
  }
  PartitionFile out;
  DML_TRY(out.schema_, Schema::FromJson(metadata.value("columns", Json())));
  out.rows_ = rows.get<std::uint64_t>();
  out.file_ = std::move(file);
  out.path_ = path;
  return out;
}

Error PartitionFile::Damaged(const Field& field, std::string_view why) const {
  return Error::Invalid(fmt::format("'{}' is damaged: column '{}' {}", path_, field.name, why),
                        "produce the table again");
}

Result<std::size_t> PartitionFile::SizeOf(std::string_view part, const Field& field,
                                          TensorType type) const {
  DML_TRY(const TensorView* view, file_->Get(fmt::format("{}/{}", part, field.name), type));
  return view->data.size() / TensorTypeSize(type);
}

template <typename T>
Result<std::span<const T>> PartitionFile::Array(std::string_view part, const Field& field,
                                                TensorType type, std::size_t size) const {
  DML_TRY(const TensorView* view, file_->Get(fmt::format("{}/{}", part, field.name), type));
  if (view->data.size() != size * sizeof(T)) {
    return Damaged(field, fmt::format("has {} bytes of {}, not {}", view->data.size(), part,
                                      size * sizeof(T)));
  }
  return view->As<T>();
}

Result<std::span<const std::int64_t>> PartitionFile::Offsets(std::string_view part,
                                                             const Field& field, std::size_t rows,
                                                             std::size_t limit) const {
  DML_TRY(const auto offsets, Array<std::int64_t>(part, field, TensorType::kI64, rows + 1));
  const bool bounded = offsets.front() == 0 && offsets.back() == static_cast<std::int64_t>(limit);
  if (!bounded || !std::ranges::is_sorted(offsets)) {
    return Damaged(field, fmt::format("has malformed {}", part));
  }
  return offsets;
}

Result<std::span<const std::uint8_t>> PartitionFile::Validity(const Field& field) const {
  if (file_->Find("validity/" + field.name) == nullptr) return std::span<const std::uint8_t>();
  return Array<std::uint8_t>("validity", field, TensorType::kU8, BitmapBytes(rows_));
}

Result<Dictionary> PartitionFile::ReadDictionary(const Field& field) const {
  DML_TRY(const std::size_t entries, SizeOf("dictionary_offsets", field, TensorType::kI64));
  DML_TRY(const std::size_t size, SizeOf("dictionary_bytes", field, TensorType::kU8));
  if (entries == 0 || entries > INT32_MAX) return Damaged(field, "has a malformed dictionary");
  DML_TRY(const auto offsets, Offsets("dictionary_offsets", field, entries - 1, size));
  DML_TRY(const auto bytes, Array<char>("dictionary_bytes", field, TensorType::kU8, size));
  Dictionary dictionary;
  dictionary.reserve(entries - 1);
  for (std::size_t i = 0; i + 1 < entries; ++i) {
    dictionary.emplace_back(bytes.data() + offsets[i], bytes.data() + offsets[i + 1]);
    if (i > 0 && dictionary[i - 1] >= dictionary[i]) {
      return Damaged(field, "has a dictionary out of order");
    }
  }
  return dictionary;
}

Result<Column> PartitionFile::ReadCategory(const Field& field,
                                           std::shared_ptr<const Dictionary> dictionary,
                                           const std::vector<std::int32_t>& recode) const {
  DML_TRY(const auto codes, Array<std::int32_t>("values", field, TensorType::kI32, rows_));
  DML_TRY(const auto validity, Validity(field));
  DML_TRY(const std::size_t entries, SizeOf("dictionary_offsets", field, TensorType::kI64));
  for (std::size_t row = 0; row < rows_; ++row) {
    const bool present = validity.empty() || TestBit(validity, row);
    if (present ? codes[row] < 0 || static_cast<std::size_t>(codes[row]) + 1 >= entries
                : codes[row] != -1) {
      return Damaged(field, fmt::format("has a code out of range in row {}", row));
    }
  }
  if (dictionary == nullptr) {
    DML_TRY(Dictionary stored, ReadDictionary(field));
    dictionary = std::make_shared<const Dictionary>(std::move(stored));
  }
  if (recode.empty()) return Column::Category(codes, std::move(dictionary), validity, file_);
  using Kept = std::pair<std::vector<std::int32_t>, std::shared_ptr<const TensorFile>>;
  auto kept = std::make_shared<Kept>(std::vector<std::int32_t>(codes.begin(), codes.end()), file_);
  for (std::int32_t& code : kept->first) {
    if (code >= 0) code = recode[static_cast<std::size_t>(code)];
  }
  return Column::Category(kept->first, std::move(dictionary), validity, kept);
}

Result<Column> PartitionFile::ReadString(const Field& field) const {
  DML_TRY(const std::size_t size, SizeOf("bytes", field, TensorType::kU8));
  DML_TRY(const auto bytes, Array<char>("bytes", field, TensorType::kU8, size));
  DML_TRY(const auto offsets, Offsets("offsets", field, rows_, size));
  DML_TRY(const auto validity, Validity(field));
  return Column::String(offsets, bytes, validity, file_);
}

Result<Column> PartitionFile::ReadSparse(const Field& field) const {
  DML_TRY(const std::size_t size, SizeOf("values", field, TensorType::kF64));
  DML_TRY(const auto values, Array<double>("values", field, TensorType::kF64, size));
  DML_TRY(const auto indices, Array<std::int32_t>("indices", field, TensorType::kI32, size));
  DML_TRY(const auto offsets, Offsets("offsets", field, rows_, size));
  for (std::size_t row = 0; row < rows_; ++row) {
    std::int64_t previous = -1;
    for (auto i = static_cast<std::size_t>(offsets[row]);
         i < static_cast<std::size_t>(offsets[row + 1]); ++i) {
      if (indices[i] <= previous || indices[i] >= field.width) {
        return Damaged(field, fmt::format("has indices out of order or range in row {}", row));
      }
      previous = indices[i];
    }
  }
  return Column::Sparse(field.width, offsets, indices, values, file_);
}

Result<Column> PartitionFile::ReadColumn(const Field& field,
                                         std::shared_ptr<const Dictionary> dictionary,
                                         const std::vector<std::int32_t>& recode) const {
  if (field.type == ColumnType::kCategory) {
    return ReadCategory(field, std::move(dictionary), recode);
  }
  if (field.type == ColumnType::kString) return ReadString(field);
  if (field.type == ColumnType::kSparse) return ReadSparse(field);
  DML_TRY(const auto validity, Validity(field));
  if (field.type == ColumnType::kFloat64) {
    DML_TRY(const auto values, Array<double>("values", field, TensorType::kF64, rows_));
    return Column::Float64(values, validity, file_);
  }
  if (field.type == ColumnType::kFloat32) {
    DML_TRY(const auto values, Array<float>("values", field, TensorType::kF32, rows_));
    return Column::Float32(values, validity, file_);
  }
  if (field.type == ColumnType::kBool) {
    DML_TRY(const auto values, Array<std::uint8_t>("values", field, TensorType::kU8, rows_));
    return Column::Bool(values, validity, file_);
  }
  DML_TRY(const auto values, Array<std::int64_t>("values", field, TensorType::kI64, rows_));
  return field.type == ColumnType::kInt64 ? Column::Int64(values, validity, file_)
                                          : Column::Timestamp(values, validity, file_);
}

}  // namespace dml::table

#include <fmt/format.h>

#include <deque>

#include "base/files.h"
#include "plugins/table/partition_file.h"
#include "plugins/table/validity.h"

namespace dml::table {

namespace {

// The tensors of a partition and the buffers that had to be made for them.
class TensorList {
 public:
  template <typename T>
  void Add(std::string_view part, const Field& field, TensorType type, std::span<const T> data) {
    tensors_.push_back({fmt::format("{}/{}", part, field.name),
                        type,
                        {static_cast<std::int64_t>(data.size())},
                        std::as_bytes(data)});
  }
  template <typename T>
  std::span<const T> Keep(std::vector<T> data) {
    auto kept = std::make_shared<std::vector<T>>(std::move(data));
    kept_.push_back(kept);
    return *kept;
  }
  [[nodiscard]] std::span<const TensorBuffer> tensors() const { return tensors_; }

 private:
  std::vector<TensorBuffer> tensors_;
  std::deque<std::shared_ptr<const void>> kept_;
};

// Offsets that start at zero, whatever slice the column is.
std::span<const std::int64_t> RebasedOffsets(const Column& column, TensorList& out) {
  const auto offsets = column.offsets();
  if (offsets.front() == 0) return offsets;
  std::vector<std::int64_t> rebased(offsets.begin(), offsets.end());
  for (std::int64_t& offset : rebased) offset -= offsets.front();
  return out.Keep(std::move(rebased));
}

template <typename T>
std::span<const T> Covered(const Column& column, std::span<const T> data) {
  const auto offsets = column.offsets();
  return data.subspan(static_cast<std::size_t>(offsets.front()),
                      static_cast<std::size_t>(offsets.back() - offsets.front()));
}

// Codes and strings of a category column, without strings that no row uses.
void AddCategory(const Field& field, const Column& column, TensorList& out) {
  const Dictionary& dictionary = column.dictionary();
  std::vector<std::int32_t> recode(dictionary.size(), -1);
  for (const std::int32_t code : column.codes()) {
    if (code >= 0) recode[static_cast<std::size_t>(code)] = 0;
  }
  std::vector<char> bytes;
  std::vector<std::int64_t> offsets{0};
  for (std::size_t i = 0; i < recode.size(); ++i) {
    if (recode[i] < 0) continue;
    recode[i] = static_cast<std::int32_t>(offsets.size() - 1);
    bytes.insert(bytes.end(), dictionary[i].begin(), dictionary[i].end());
    offsets.push_back(static_cast<std::int64_t>(bytes.size()));
  }
  std::span<const std::int32_t> codes = column.codes();
  if (offsets.size() - 1 != dictionary.size()) {
    std::vector<std::int32_t> dense(codes.begin(), codes.end());
    for (std::int32_t& code : dense) {
      if (code >= 0) code = recode[static_cast<std::size_t>(code)];
    }
    codes = out.Keep(std::move(dense));
  }
  out.Add("values", field, TensorType::kI32, codes);
  out.Add("dictionary_offsets", field, TensorType::kI64, out.Keep(std::move(offsets)));
  out.Add("dictionary_bytes", field, TensorType::kU8, out.Keep(std::move(bytes)));
}

void AddValues(const Field& field, const Column& column, TensorList& out) {
  switch (field.type) {
    case ColumnType::kFloat64:
      return out.Add("values", field, TensorType::kF64, column.float64());
    case ColumnType::kFloat32:
      return out.Add("values", field, TensorType::kF32, column.float32());
    case ColumnType::kInt64:
    case ColumnType::kTimestamp:
      return out.Add("values", field, TensorType::kI64, column.int64());
    case ColumnType::kBool:
      return out.Add("values", field, TensorType::kU8, column.bools());
    case ColumnType::kCategory:
      return AddCategory(field, column, out);
    case ColumnType::kString:
      out.Add("offsets", field, TensorType::kI64, RebasedOffsets(column, out));
      return out.Add("bytes", field, TensorType::kU8, Covered(column, column.string_bytes()));
    case ColumnType::kSparse:
      out.Add("offsets", field, TensorType::kI64, RebasedOffsets(column, out));
      out.Add("indices", field, TensorType::kI32, Covered(column, column.sparse_indices()));
      return out.Add("values", field, TensorType::kF64, Covered(column, column.sparse_values()));
  }
}

}  // namespace

std::string PartitionFileName(std::size_t partition) {
  return fmt::format("part-{:05}.safetensors", partition);
}

Result<void> WritePartitionFile(const std::string& path, const Batch& batch) {
  TensorList out;
  for (std::size_t i = 0; i < batch.columns.size(); ++i) {
    const Column& column = batch.columns[i];
    const Field& field = batch.schema.fields[i];
    DML_CHECK(column.type() == field.type && column.size() == batch.rows,
              "a column fits its field and its batch");
    AddValues(field, column, out);
    if (column.CountMissing() == 0) continue;
    const auto bits = SliceBitmap(column.validity(), 0, batch.rows);
    out.Add("validity", field, TensorType::kU8, out.Keep(bits));
  }
  const Json metadata{{"format", "dml.partition"},
                      {"version", kPartitionVersion},
                      {"rows", batch.rows},
                      {"columns", batch.schema.ToJson()}};
  return WriteTensorFile(path, metadata, out.tensors());
}

Result<void> WriteTableIndex(const std::string& directory, const Schema& schema,
                             const std::vector<std::uint64_t>& partition_rows) {
  Json partitions = Json::array();
  for (const std::uint64_t rows : partition_rows) partitions.push_back(Json{{"rows", rows}});
  const Json index{{"format", "dml.table"},
                   {"version", kPartitionVersion},
                   {"schema", schema.ToJson()},
                   {"partitions", std::move(partitions)}};
  return WriteFileAtomic(directory + "/table.json", index.dump(1) + "\n");
}

}  // namespace dml::table

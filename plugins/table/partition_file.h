#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/tensor_file.h"
#include "plugins/table/batch.h"

namespace dml::table {

// One partition on disk: a tensor file with the tensors "values/<column>", "validity/<column>",
// "offsets/<column>", ... as docs/formats.md lists them. Everything in it is checked before it is
// trusted: the header on opening, offsets, codes and indices on reading.

inline constexpr int kPartitionVersion = 1;

// "part-00003.safetensors".
[[nodiscard]] std::string PartitionFileName(std::size_t partition);

// Writes rows as one partition file. Dictionaries are reduced to the strings in use, validity is
// left out where nothing is missing: equal rows give equal bytes.
Result<void> WritePartitionFile(const std::string& path, const Batch& batch);

// Writes the table.json of a folder whose partitions hold these numbers of rows.
Result<void> WriteTableIndex(const std::string& directory, const Schema& schema,
                             const std::vector<std::uint64_t>& partition_rows);

// An open partition file. Immutable, thread-safe.
class PartitionFile {
 public:
  static Result<PartitionFile> Open(std::shared_ptr<const TensorFile> file,
                                    const std::string& path);

  [[nodiscard]] const Schema& schema() const { return schema_; }
  [[nodiscard]] std::uint64_t rows() const { return rows_; }
  // The dictionary of a category column as stored.
  [[nodiscard]] Result<Dictionary> ReadDictionary(const Field& field) const;
  // A column; for a category, `dictionary` is the one to refer to and `recode` maps stored codes
  // to it (empty: they are the same).
  [[nodiscard]] Result<Column> ReadColumn(const Field& field,
                                          std::shared_ptr<const Dictionary> dictionary = nullptr,
                                          const std::vector<std::int32_t>& recode = {}) const;

 private:
  template <typename T>
  [[nodiscard]] Result<std::span<const T>> Array(std::string_view part, const Field& field,
                                                 TensorType type, std::size_t size) const;
  [[nodiscard]] Result<std::span<const std::int64_t>> Offsets(std::string_view part,
                                                              const Field& field, std::size_t rows,
                                                              std::size_t limit) const;
  [[nodiscard]] Result<std::span<const std::uint8_t>> Validity(const Field& field) const;
  [[nodiscard]] Result<std::size_t> SizeOf(std::string_view part, const Field& field,
                                           TensorType type) const;
  [[nodiscard]] Result<Column> ReadCategory(const Field& field,
                                            std::shared_ptr<const Dictionary> dictionary,
                                            const std::vector<std::int32_t>& recode) const;
  [[nodiscard]] Result<Column> ReadString(const Field& field) const;
  [[nodiscard]] Result<Column> ReadSparse(const Field& field) const;
  [[nodiscard]] Error Damaged(const Field& field, std::string_view why) const;

  std::shared_ptr<const TensorFile> file_;
  std::string path_;
  Schema schema_;
  std::size_t rows_ = 0;
};

}  // namespace dml::table

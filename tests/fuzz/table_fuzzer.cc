// A partition file of any bytes is a table or an error, and every cell of a table can be read.

#include <cstdint>
#include <cstring>
#include <vector>

#include "plugins/table/partition_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace dml::table;
  // Tensors are only accepted where they are aligned, as in a mapping.
  std::vector<std::uint64_t> aligned(size / 8 + 1);
  std::memcpy(aligned.data(), data, size);
  const auto bytes = std::as_bytes(std::span(aligned)).first(size);
  const auto file = dml::TensorFile::Parse(bytes, "fuzz");
  if (!file.ok()) return 0;
  const auto partition = PartitionFile::Open(*file, "fuzz");
  if (!partition.ok()) return 0;
  for (const Field& field : partition->schema().fields) {
    const auto column = partition->ReadColumn(field);
    if (!column.ok()) continue;
    for (std::size_t row = 0; row < column->size(); ++row) (void)column->AsText(row);
    (void)column->Slice(column->size() / 2, column->size());
  }
  return 0;
}

#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/artifact.h"
#include "base/result.h"
#include "plugins/table/batch.h"

namespace dml::table {

// A table on disk: partition files "part-00000.safetensors", ... that share one schema, plus
// "table.json" {version, schema, partitions: [{rows}]}. Category dictionaries are stored per
// partition and unified on opening, so every Batch of a Table uses the same dictionary object.
// Immutable, thread-safe; columns are mapped on demand and cost page cache, not heap.
class Table {
 public:
  // `files`: the files of a table artifact, wherever their bytes are.
  static Result<Table> Open(const std::vector<ArtifactFile>& files);
  // A folder written by TableWriter, for tests and for `dml predict`.
  static Result<Table> OpenDirectory(const std::string& directory);

  [[nodiscard]] const Schema& schema() const;
  [[nodiscard]] std::uint64_t rows() const;
  [[nodiscard]] std::size_t partition_count() const;
  [[nodiscard]] std::uint64_t partition_rows(std::size_t partition) const;
  // Partition `partition`; `columns` limits what is read (empty: all), in the given order.
  [[nodiscard]] Result<Batch> Read(std::size_t partition,
                                   const std::vector<std::string>& columns = {}) const;
  // The unified dictionary of a category column.
  [[nodiscard]] Result<std::shared_ptr<const Dictionary>> dictionary(std::string_view column) const;

 private:
  struct State;
  std::shared_ptr<const State> state_;
};

// Writes partitions into a folder. Write() may be called from several threads with distinct
// partition numbers; Finish() once afterwards writes table.json. Partition numbers are dense from
// 0 and may hold zero rows. The bytes depend on the batches alone.
class TableWriter {
 public:
  TableWriter(std::string directory, Schema schema);
  ~TableWriter();

  Result<void> Write(std::size_t partition, const Batch& batch);
  Result<void> Finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace dml::table

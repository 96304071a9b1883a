#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "plugins/steps/transform/partition_cache.h"
#include "plugins/steps/transform/transform.h"
#include "plugins/table/table.h"

namespace dml::steps {

// Rows of a table, all or some, seen through fitted transforms, in chunks of learn::kTileRows rows:
// what transforms are fitted to and design matrices are made from. Chunk boundaries depend on the
// rows alone, not on partitions. A value; copies share everything. Thread-safe.
class RowView {
 public:
  // Whether a batch passes. It may be asked again about single rows of one that did not.
  using RowCheck = std::function<Result<void>(const table::Batch&)>;

  // How many rows a rule left out.
  struct Dropped {
    std::string by;
    std::uint64_t rows = 0;
  };

  // The named columns of every row, in that order. Unknown names are kInvalid.
  static Result<RowView> Of(table::Table table, std::vector<std::string> columns);

  // The same view of these rows of the table only (ascending row numbers, unique).
  [[nodiscard]] RowView Select(std::vector<std::uint64_t> rows) const;
  // The same view of those of its rows that are in `kept` (as above); `by` left out the others. As
  // if these were all rows of the table: they are numbered anew, unless Select() chose them.
  [[nodiscard]] RowView Keep(std::vector<std::uint64_t> kept, std::string by) const;
  // The rows that `other`, a view of the same table, shows.
  [[nodiscard]] RowView SelectAs(const RowView& other) const;
  // The same rows, seen through one more transform.
  [[nodiscard]] Result<RowView> Through(FittedTransformPtr transform) const;

  [[nodiscard]] const table::Schema& schema() const { return schema_; }
  [[nodiscard]] std::uint64_t rows() const;
  [[nodiscard]] std::size_t chunk_count() const;
  // Number in the table of row `row` of this view.
  [[nodiscard]] std::uint64_t table_row(std::uint64_t row) const {
    return selected_ ? (*selected_)[row] : row;
  }
  // Whether Select() chose the rows, which keep the numbers that they have in the table then.
  [[nodiscard]] bool chosen() const { return chosen_; }
  // What Keep() left out of this view, in order.
  [[nodiscard]] const std::vector<Dropped>& dropped() const { return dropped_; }

  // The rows of chunk `chunk` in order: one batch for each partition they lie in. A batch that
  // holds selected rows gives the number of the first of them as its first_row.
  [[nodiscard]] Result<std::vector<table::Batch>> Read(std::size_t chunk) const;
  // Shows all rows in order, those of a partition in one batch. An error of `see` about one row
  // gives the row its number in the table.
  Result<void> ForEachBatch(const RowCheck& see) const;

  // `error` with the right row number: a check that failed on the batches of a chunk counts rows
  // from their first_row, which holds for selected rows only if they are shown one at a time.
  [[nodiscard]] Error Blame(std::span<const table::Batch> pieces, std::size_t chunk, Error error,
                            const RowCheck& check) const;

  [[nodiscard]] const std::vector<FittedTransformPtr>& transforms() const { return transforms_; }
  // Names of the features of column `column` of schema(): its own name unless it is sparse.
  [[nodiscard]] std::vector<std::string> FeatureNames(std::size_t column) const;

 private:
  RowView() = default;
  [[nodiscard]] Result<table::Batch> Apply(table::Batch batch) const;
  [[nodiscard]] Result<table::Batch> ReadPiece(std::size_t partition, std::uint64_t begin,
                                               std::uint64_t end) const;
  // The rows [begin, end) of the view, all in one partition, through the transforms.
  [[nodiscard]] Result<table::Batch> ReadSeen(std::size_t partition, std::uint64_t begin,
                                              std::uint64_t end) const;
  // The first row of the view that lies behind the row `table_row` of the table, or is it.
  [[nodiscard]] std::uint64_t FirstFrom(std::uint64_t table_row) const;

  [[nodiscard]] Error BlamePiece(const table::Batch& piece, std::uint64_t first, Error error,
                                 const RowCheck& check) const;

  std::shared_ptr<PartitionCache> partitions_;
  std::vector<std::uint64_t> starts_;  // first row of each partition, and the total
  std::shared_ptr<const std::vector<std::uint64_t>> selected_;  // null: every row
  bool chosen_ = false;
  std::vector<Dropped> dropped_;
  std::vector<FittedTransformPtr> transforms_;
  table::Schema schema_;
};

}  // namespace dml::steps

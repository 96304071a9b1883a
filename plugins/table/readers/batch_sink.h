#pragma once

#include <string>
#include <vector>

#include "plugins/table/column_builder.h"
#include "plugins/table/load.h"

namespace dml::table {

// Rows appended one by one become partition files: a new one begins where the text passes a
// multiple of the partition size. Keeps the report. Not thread-safe.
class BatchSink {
 public:
  BatchSink(Schema schema, std::string directory, const Partitioning& partitioning,
            std::uint64_t text_bytes);

  // Call before each row with the place of its text.
  Result<void> StartRow(std::uint64_t position);
  [[nodiscard]] ColumnBuilder& column(std::size_t index) { return builders_[index]; }
  [[nodiscard]] std::uint64_t rows() const { return report_.rows + rows_; }
  // The last partition and the index.
  Result<LoadReport> Finish();

 private:
  Result<void> Flush();

  LoadReport report_;
  std::string directory_;
  std::uint64_t step_ = 0;
  std::uint64_t limit_ = 0;
  std::size_t count_ = 0;  // partitions that have to exist
  std::size_t rows_ = 0;   // in the partition being filled
  std::vector<ColumnBuilder> builders_;
};

}  // namespace dml::table

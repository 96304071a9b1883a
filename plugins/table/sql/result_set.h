#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "base/result.h"
#include "plugins/table/batch.h"
#include "plugins/table/column_builder.h"
#include "plugins/table/sql/column_findings.h"

namespace dml::sql {

// Some rows of a result, cell by cell. Not thread-safe.
class ResultChunk {
 public:
  explicit ResultChunk(const std::vector<ResultColumn>& columns);

  // The next cell of a column. kInvalid for a blob, a text that is no UTF-8, and texts among
  // numbers.
  Result<void> Append(std::size_t column, const Cell& cell);
  [[nodiscard]] std::size_t rows() const { return parts_.empty() ? 0 : parts_.front().rows; }
  [[nodiscard]] std::int64_t bytes() const { return bytes_; }
  [[nodiscard]] const ColumnFindings& findings(std::size_t column) const {
    return parts_[column].findings;
  }

 private:
  friend class ResultSet;
  // Before types are settled a column is int64, float64 or string, by what it holds so far.
  struct Part {
    ResultColumn column;
    bool as_text = false;  // numbers are wanted as texts
    std::size_t rows = 0;
    std::vector<table::ColumnBuilder> builder;  // none until the first value
    table::ColumnType type = table::ColumnType::kFloat64;
    ColumnFindings findings;
  };
  static Result<void> Put(Part& part, const Cell& cell);
  static void Begin(Part& part, table::ColumnType type);
  static void Widen(Part& part);
  static table::Column Finish(Part& part);

  std::vector<Part> parts_;
  std::int64_t bytes_ = 0;
};

// All chunks of a result, and the types that fit them all. Chunks are numbered, because they may
// come in any order; beyond a share of the memory they wait in files.
class ResultSet {
 public:
  ResultSet(std::vector<ResultColumn> columns, std::string scratch_dir, std::int64_t memory_bytes);

  [[nodiscard]] ResultChunk NewChunk() const { return ResultChunk(columns_); }
  // Thread-safe.
  Result<void> Add(std::size_t number, ResultChunk chunk);
  // After the last Add().
  Result<table::Schema> Settle();
  // A chunk as settled; once for each. Thread-safe.
  Result<table::Batch> Take(std::size_t number);

 private:
  [[nodiscard]] std::string PathOf(std::size_t number) const;

  const std::vector<ResultColumn> columns_;
  const std::string scratch_dir_;
  const std::int64_t memory_max_;
  table::Schema schema_;
  std::mutex mutex_;
  // Guarded by mutex_.
  std::vector<ColumnFindings> findings_;
  std::map<std::size_t, table::Batch> held_;
  std::int64_t held_bytes_ = 0;
};

}  // namespace dml::sql

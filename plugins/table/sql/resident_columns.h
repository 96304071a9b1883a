#pragma once

#include <algorithm>
#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "plugins/table/table.h"

namespace dml::sql {

// Some columns of all partitions of a table, for reading rows in any order. The values stay in the
// mapped files. Immutable, thread-safe.
class ResidentColumns {
 public:
  static Result<ResidentColumns> Read(const table::Table& table,
                                      const std::vector<std::string>& names,
                                      const std::stop_token& stop = {});

  struct Place {
    std::size_t partition = 0;
    std::size_t row = 0;  // in the partition
  };
  [[nodiscard]] Place Find(std::uint64_t row) const {
    const auto after = std::upper_bound(first_rows_.begin(), first_rows_.end(), row);
    const auto partition = static_cast<std::size_t>(after - first_rows_.begin()) - 1;
    return {partition, static_cast<std::size_t>(row - first_rows_[partition])};
  }
  [[nodiscard]] std::uint64_t rows() const { return rows_; }
  [[nodiscard]] std::size_t partition_count() const { return batches_.size(); }
  [[nodiscard]] const table::Batch& batch(std::size_t partition) const {
    return batches_[partition];
  }
  [[nodiscard]] const table::Column& column(std::size_t partition, std::size_t index) const {
    return batches_[partition].columns[index];
  }

 private:
  std::vector<table::Batch> batches_;
  std::vector<std::uint64_t> first_rows_;  // of every partition
  std::uint64_t rows_ = 0;
};

}  // namespace dml::sql

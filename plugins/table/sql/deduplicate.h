#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "plugins/table/sql/row_index.h"
#include "plugins/table/table.h"

namespace dml::sql {

// Which of the rows with one key stay.
enum class Keep { kFirst, kLast, kNone };

// Rows with equal keys; a missing cell equals a missing cell. Immutable, thread-safe.
class Duplicates {
 public:
  static Result<Duplicates> Find(const table::Table& table, const std::vector<std::string>& keys,
                                 const IndexOptions& options);

  // The rows of a partition that stay.
  [[nodiscard]] std::vector<std::uint32_t> Kept(std::size_t partition, Keep keep) const;

 private:
  Duplicates(ResidentColumns keys, RowIndex index)
      : keys_(std::move(keys)), index_(std::move(index)) {}
  [[nodiscard]] bool Same(std::uint32_t a, std::uint32_t b) const;

  ResidentColumns keys_;
  RowIndex index_;
};

}  // namespace dml::sql

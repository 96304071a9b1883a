#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "plugins/table/table.h"

namespace dml::steps {

// The values of one column as numbers, by which rows are stratified or grouped.
struct RowKeys {
  std::string column;
  std::vector<std::uint32_t> numbers;  // one a row, from 0 in order of first appearance
  std::vector<std::string> values;     // the text of each number; a missing value is one of them

  // kInvalid if a value occurs in fewer than `rows` rows; names it.
  [[nodiscard]] Result<void> RequireRows(std::uint64_t rows) const;
  // In how many rows the rarest value occurs.
  [[nodiscard]] std::uint64_t Rarest() const;
};

// How often each number occurs, by number, from 0 to the greatest.
[[nodiscard]] std::vector<std::uint64_t> CountEach(std::span<const std::uint32_t> numbers);

Result<RowKeys> ReadRowKeys(const table::Table& table, const std::string& column);

// A column of times or other numbers, by which rows are ordered. Text, and a missing value, are
// kInvalid.
Result<std::vector<double>> ReadRowTimes(const table::Table& table, const std::string& column);

}  // namespace dml::steps

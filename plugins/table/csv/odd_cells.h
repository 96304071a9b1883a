#pragma once

#include <cstdint>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "plugins/table/csv/cell_type.h"
#include "plugins/table/csv/dialect.h"
#include "plugins/table/schema.h"

namespace dml::table {

// A column of text whose cells are nearly all numbers, or times: the few others, the odd ones, made
// it text, and most likely are mistakes or unlisted names of "missing".
struct OddColumn {
  std::size_t column = 0;
  CellType like = CellType::kFloat64;  // or kTimestamp
  std::uint64_t present = 0;           // cells that are not missing
  std::uint64_t odd = 0;
  // The first odd cell.
  std::size_t partition = 0;
  std::uint64_t row = 0;  // within the partition
  std::string text;
};

// Of the columns with `present[c]` > 0, those that have at least 20 cells of which at most one in
// twenty is odd, with at most 100 different odd texts: more are a second kind of key rather than
// mistakes. A whole number with a leading zero makes a column one of keys, which is text rightly.
// Counts over the partition files of `directory`, so the answer is a matter of the cells alone. A
// column is left as soon as it has too many odd cells: text costs a glance.
Result<std::vector<OddColumn>> FindOddColumns(const std::string& directory, std::size_t partitions,
                                              const Schema& schema,
                                              const std::vector<std::uint64_t>& present,
                                              const Dialect& dialect, const std::stop_token& stop);

// What to tell of the column called `name`; `place` is "line 32".
[[nodiscard]] std::string OddColumnWarning(std::string_view name, const OddColumn& odd,
                                           std::string_view place);

}  // namespace dml::table

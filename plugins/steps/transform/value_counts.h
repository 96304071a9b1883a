#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "plugins/learn/execution.h"
#include "plugins/steps/transform/row_view.h"

namespace dml::steps {

// The distinct values of a column as text (table::Column::AsText, with -0 as 0) and how often each
// occurs. Sorted: numbers by value, everything else bytewise.
struct ValueCounts {
  std::vector<std::string> values;
  std::vector<std::uint64_t> counts;
  std::uint64_t missing = 0;
};

// Distinct values of one column at most: past it, counting them is a mistake and not a wish.
inline constexpr std::size_t kDistinctMax = 1'000'000;

// One pass for the values of columns of any type but sparse, in their order. More than kDistinctMax
// distinct values in a column are kInvalid.
Result<std::vector<ValueCounts>> CountValues(const RowView& rows,
                                             const std::vector<std::string>& columns,
                                             const learn::Execution& execution);

}  // namespace dml::steps

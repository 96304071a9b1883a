#pragma once

#include <map>
#include <string>
#include <vector>

#include "plugins/steps/transform/value_counts.h"

namespace dml::steps {

// Values of columns in the order that was asked for; by column name.
using CategoryLists = std::map<std::string, std::vector<std::string>>;

// The values of each column with their counts: sorted, or in the order of `lists` for a column that
// is in it (a value of the list may have count 0). kInvalid: a list for a column that is not among
// `columns`, a value twice in a list, and a value of the rows that the list lacks unless
// `allow_unknown`.
Result<std::vector<ValueCounts>> CountCategories(const RowView& rows,
                                                 const std::vector<std::string>& columns,
                                                 const CategoryLists& lists, bool allow_unknown,
                                                 const learn::Execution& execution);

// The complaint about a value that was not there in training. `value` is as in the table.
Error UnknownCategory(const std::string& column, std::uint64_t row, const std::string& value,
                      const char* remedy);

}  // namespace dml::steps

#include "plugins/steps/transform/category_values.h"

#include <fmt/format.h>

#include <algorithm>

namespace dml::steps {

namespace {

Result<ValueCounts> Arrange(const std::string& column, const ValueCounts& found,
                            const std::vector<std::string>& list, bool allow_unknown) {
  std::map<std::string, std::uint64_t> counts;
  for (const std::string& value : list) {
    if (counts.emplace(value, 0).second) continue;
    return Error::Invalid(
        fmt::format("'{}' is twice among the categories of the column '{}'", value, column),
        "name it once");
  }
  for (std::size_t i = 0; i < found.values.size(); ++i) {
    const auto known = counts.find(found.values[i]);
    if (known != counts.end()) {
      known->second = found.counts[i];
    } else if (!allow_unknown) {
      return Error::Invalid(fmt::format("the column '{}' holds '{}', which is not among its "
                                        "categories",
                                        column, found.values[i]),
                            "add it to categories, or set handle_unknown");
    }
  }
  ValueCounts out;
  out.values = list;
  for (const std::string& value : list) out.counts.push_back(counts.at(value));
  out.missing = found.missing;
  return out;
}

}  // namespace

Result<std::vector<ValueCounts>> CountCategories(const RowView& rows,
                                                 const std::vector<std::string>& columns,
                                                 const CategoryLists& lists, bool allow_unknown,
                                                 const learn::Execution& execution) {
  for (const auto& [column, list] : lists) {
    if (std::ranges::find(columns, column) != columns.end()) continue;
    return Error::Invalid(
        fmt::format("categories are given for '{}', which is not among the columns", column),
        "add it to `columns`");
  }
  DML_TRY(std::vector<ValueCounts> counts, CountValues(rows, columns, execution));
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const auto list = lists.find(columns[i]);
    if (list == lists.end()) continue;
    DML_TRY(counts[i], Arrange(columns[i], counts[i], list->second, allow_unknown));
  }
  return counts;
}

Error UnknownCategory(const std::string& column, std::uint64_t row, const std::string& value,
                      const char* remedy) {
  const std::string what = value.empty() ? "has no value" : fmt::format("is '{}'", value);
  return Error::Invalid(
      fmt::format("row {} of the column '{}' {}, as no training row had", row, column, what),
      remedy);
}

}  // namespace dml::steps

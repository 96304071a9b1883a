#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "plugins/learn/predictor.h"
#include "plugins/steps/transform/row_view.h"
#include "plugins/table/table.h"

namespace dml::steps {

// How the column to predict becomes the numbers that an estimator sees. A value.
struct Target {
  std::string column;                // empty: none (clustering)
  std::vector<std::string> classes;  // labels by class index; empty for regression
};

// A classifier takes no more classes.
inline constexpr std::size_t kClassesMax = 1000;

// A view of the column to predict alone, in the rows that `features`, a view of the same table,
// shows: `values` below.
Result<RowView> TargetValues(const table::Table& table, const std::string& column,
                             const RowView& features);

// Looks at all values. Classes come in numeric order for numbers, bytewise for text. Missing
// or infinite values (with their row), a target of text or of times in a regression, a constant
// target, a column with a single class and one with more than kClassesMax are kInvalid.
Result<Target> LearnTarget(const RowView& values, learn::ModelTask task);

// The classes in their order; of more than a million some. Missing and infinite values
// as in LearnTarget.
Result<std::vector<std::string>> ClassesIn(const RowView& values);

// How many rows each class has, by class index.
Result<std::vector<std::uint64_t>> CountClasses(const RowView& values, const Target& target);

// The numbers of one batch's target column, appended to `out`. A label that is not among the
// classes is kInvalid with a suggestion; missing and infinite values as in LearnTarget.
Result<void> AppendTarget(const Target& target, const table::Column& column,
                          std::uint64_t first_row, std::vector<double>& out);

// All values.
Result<std::vector<double>> ReadTarget(const RowView& values, const Target& target);

// True if values of this type are labels by nature: text, categories and booleans.
[[nodiscard]] bool IsLabelType(table::ColumnType type);

}  // namespace dml::steps

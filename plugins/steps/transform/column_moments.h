#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "plugins/learn/execution.h"
#include "plugins/steps/transform/row_view.h"

namespace dml::steps {

// Count, mean, sum of squared deviations and range of the values of a column that are not missing.
// Merged by the formula of Chan, Golub and LeVeque (1979), like learn::Moments.
struct ColumnMoments {
  std::uint64_t count = 0;
  double mean = 0.0;
  double squares = 0.0;  // sum of (x - mean)^2
  double min = std::numeric_limits<double>::infinity();
  double max = -std::numeric_limits<double>::infinity();

  void Merge(const ColumnMoments& right);
  // Of the population (divided by count), as scikit-learn's StandardScaler.
  [[nodiscard]] double variance() const { return squares / static_cast<double>(count); }
};

// One pass for the moments of numeric columns, in their order. Infinite values, values whose mean
// or range is too large for a number, and columns without any value are kInvalid.
Result<std::vector<ColumnMoments>> MeasureColumns(const RowView& rows,
                                                  const std::vector<std::string>& columns,
                                                  const learn::Execution& execution);

// The complaint about a column whose `what`, such as "squares", overflow.
Error TooLarge(const std::string& column, const char* what);
// The complaint about a column of which nothing can be learnt.
Error AllMissing(const std::string& column);

}  // namespace dml::steps

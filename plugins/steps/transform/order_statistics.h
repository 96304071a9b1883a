#pragma once

#include <string>
#include <vector>

#include "plugins/learn/execution.h"
#include "plugins/steps/transform/column_moments.h"
#include "plugins/steps/transform/row_view.h"

namespace dml::steps {

// Exact quantiles of the values of numeric columns that are not missing, interpolated linearly as
// numpy.percentile does: quantile q of sorted x lies at position (n - 1) q. result[c][k] is
// quantile `quantiles[k]` (in [0, 1]) of column c. `moments` are those of the columns.
//
// Memory is bounded: each pass narrows the ranges of values that hold the ranks wanted, by counting
// into equal parts of the ordered bit patterns of doubles, until few enough values lie in them to
// be collected and sorted. One pass for up to about a million values in all, two or three beyond.
Result<std::vector<std::vector<double>>> FindQuantiles(const RowView& rows,
                                                       const std::vector<std::string>& columns,
                                                       const std::vector<ColumnMoments>& moments,
                                                       const std::vector<double>& quantiles,
                                                       const learn::Execution& execution);

}  // namespace dml::steps

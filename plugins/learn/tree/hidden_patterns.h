#pragma once

#include <vector>

#include "plugins/learn/tree/binned_data.h"

namespace dml::learn {

// For every feature, whether the target follows a pattern of it that is finer than its bins, such
// as one that rises and falls inside them: whether neighbouring levels of one bin deviate from the
// bin's mean target in the same way, more than chance allows and by a hundredth of the target's
// scatter. Bins alone would overlook such a feature. Looks at the bins of about kHiddenSampleRows
// rows, evenly spread. Reads all of `data` but `hidden`; the same for every thread count and order
// of the rows.
[[nodiscard]] std::vector<bool> FindHiddenPatterns(const BinnedData& data, int threads);

inline constexpr std::size_t kHiddenSampleRows = 200'000;

}  // namespace dml::learn

#pragma once

#include <vector>

#include "base/result.h"
#include "plugins/learn/tree/binned_data.h"

namespace dml::learn {

// Fills label, weight and value of `data` from its y and the given weights, as integers whose sums
// over any rows, each drawn any number of times up to `rows` in all, stay below 2^62. Whole weights
// stay what they are; others keep 52 - log2(rows) bits, targets 62 - log2(rows). Scales are powers
// of two. kInvalid if no row has a positive weight.
Result<void> FixTargets(const std::vector<double>& weights, BinnedData& data);

}  // namespace dml::learn

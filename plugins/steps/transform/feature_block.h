#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "plugins/table/batch.h"

namespace dml::steps {

// Columns that one column may become if they are not sparse.
inline constexpr std::size_t kDenseFeaturesMax = 2'000;

// The features that a transform makes of one column, row by row: mostly zeros. Indices ascend
// within a row.
struct FeatureBlock {
  std::vector<std::int64_t> offsets{0};
  std::vector<std::int32_t> indices;
  std::vector<double> values;

  void Add(std::int32_t index, double value) {
    indices.push_back(index);
    values.push_back(value);
  }
  void EndRow() { offsets.push_back(static_cast<std::int64_t>(indices.size())); }
};

// Puts the features in the place of `column`, as one sparse column of that name, `width` wide. If
// there are none, nothing takes its place.
Result<void> PutSparse(table::Batch& batch, const std::string& column, std::size_t width,
                       FeatureBlock block);

// The same as a column of numbers for each of `names`.
Result<void> PutDense(table::Batch& batch, const std::string& column,
                      const std::vector<std::string>& names, const FeatureBlock& block);

// kInvalid if so many features of a column cannot be columns of their own.
Result<void> CheckDense(const std::string& column, std::size_t features);

}  // namespace dml::steps

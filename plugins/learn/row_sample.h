#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "plugins/learn/data_source.h"
#include "plugins/learn/execution.h"
#include "plugins/learn/matrix_source.h"

namespace dml::learn {

// Which rows to draw: each with the probability that `shares` holds for its class (Tile::y), or
// with shares[0] where there is only one. A row's draw depends on (seed, purpose, row id) alone.
struct SampleRule {
  std::vector<double> shares{1.0};
  std::uint64_t seed = 0;
  std::string_view purpose;
};

// The drawn rows of the source in memory, the same on every rank. Rows of weight zero are left out;
// the weights of the others are divided by their share, so that sums over the sample estimate sums
// over all rows.
Result<MatrixSource> SampleRows(const DataSource& source, const SampleRule& rule,
                                const Execution& execution);

}  // namespace dml::learn

#pragma once

#include <cstdint>
#include <vector>

#include "plugins/learn/data_source.h"
#include "plugins/learn/execution.h"
#include "plugins/learn/matrix_source.h"

namespace dml::learn {

// The candidates of k-means|| (Bahmani, Moseley, Vattani, Kumar, Vassilvitskii, "Scalable
// k-means++", VLDB 2012): one row, then kParallelRounds times 2 x clusters rows, each drawn with a
// probability proportional to its weight x squared distance from the candidates so far. A pass per
// round draws exactly that many, without replacement, by the largest log(u) / (w d^2), u keyed by
// (seed, row id). A last pass weighs each candidate with the rows it is nearest to. They are rows
// as they are (not shifted), weights summing to those of the source: k-means on them is nearly
// k-means on all rows. Memory: 2 x kParallelRounds x clusters rows. Fewer where rows coincide.
Result<MatrixSource> ParallelCandidates(const DataSource& source, std::size_t clusters,
                                        const std::vector<double>& shift, std::uint64_t seed,
                                        const Execution& execution);

inline constexpr int kParallelRounds = 5;

}  // namespace dml::learn

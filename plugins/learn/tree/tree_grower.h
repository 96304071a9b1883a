#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <vector>

#include "plugins/learn/tree/binned_data.h"
#include "plugins/learn/tree/grown_tree.h"
#include "plugins/learn/tree/tree_options.h"

namespace dml::learn {

// How often each row is drawn for one tree: `draws` draws with replacement, draw i by Philox
// (seed, "bootstrap") at (i, tree), as a multinomial sample.
[[nodiscard]] std::vector<std::uint32_t> BootstrapCounts(std::size_t rows, std::size_t draws,
                                                         std::uint64_t seed, std::uint64_t tree);

// What the histograms of nodes that wait to be split may hold.
inline constexpr std::size_t kHistogramBytes = std::size_t{32} << 20U;

// Grows one tree (Breiman et al., "Classification and Regression Trees", 1984) on binned data by
// exact integer histograms. `counts` is empty for all rows once. The result depends on the
// arguments alone, and not on `histogram_bytes`. Thread-safe; memory: 48 bytes a row for classes,
// 64 for numbers, and for every node what it predicts if it is to be pruned. A requested stop ends
// it early, unfinished.
[[nodiscard]] GrownTree GrowTree(const BinnedData& data, const TreeOptions& options,
                                 std::size_t max_features, const std::vector<std::uint32_t>& counts,
                                 std::uint64_t tree, const std::stop_token& stop,
                                 std::size_t histogram_bytes = kHistogramBytes);

}  // namespace dml::learn

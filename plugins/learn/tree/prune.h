#pragma once

#include <cstddef>
#include <vector>

#include "plugins/learn/tree/grown_tree.h"

namespace dml::learn {

// What pruning has to know of every node of a grown tree.
struct NodeRecords {
  std::vector<double> gain;  // weight x decrease of the impurity by its split; 0 for a leaf
  LeafValues values;         // what it would predict as a leaf, at its place
  std::vector<std::uint32_t> place;
};

// The smallest subtree that minimises the impurity of its leaves + `cost` x their number, both
// times the weight of all rows (Breiman et al., "Classification and Regression Trees", 1984,
// chapter 3): what removing weakest links ends at. Importances are the sums of the remaining gains,
// not yet normalised.
[[nodiscard]] GrownTree Pruned(const GrownTree& tree, const NodeRecords& records,
                               std::size_t outputs, double cost);

}  // namespace dml::learn

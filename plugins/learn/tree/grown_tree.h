#pragma once

#include <cstdint>
#include <vector>

#include "plugins/learn/tree/feature_bins.h"
#include "plugins/learn/tree/leaf_values.h"

namespace dml::learn {

// 16 bytes a node, so that a tree of 4,000 leaves lies in the second-level cache.
struct TreeNode {
  static constexpr std::int32_t kLeaf = -1;

  double threshold = 0.0;        // value <= threshold goes to `child`, else to child + 1
  std::int32_t feature = kLeaf;  // of a split
  std::uint32_t child = 0;       // top bit: missing values go left; of a leaf: its number

  static constexpr std::uint32_t kMissingLeft = 0x80000000U;
  [[nodiscard]] bool is_leaf() const { return feature == kLeaf; }
  [[nodiscard]] bool missing_left() const { return (child & kMissingLeft) != 0; }
  [[nodiscard]] std::uint32_t index() const { return child & ~kMissingLeft; }
};

// A tree as it is grown; node 0 is the root.
struct GrownTree {
  std::vector<TreeNode> nodes;
  std::vector<LevelCode> split_code;  // per node: codes up to this one go left
  LeafValues leaf_values;
  std::vector<double> importances;  // decrease of the impurity per feature, sums to 1 or 0
  std::vector<bool> in_bag;         // per row; empty without bootstrap
  int depth = 0;

  // What a model keeps of it.
  [[nodiscard]] std::size_t bytes() const {
    return nodes.size() * sizeof(TreeNode) + leaf_values.bytes();
  }
};

}  // namespace dml::learn

#include "plugins/learn/tree/prune.h"

#include <algorithm>

namespace dml::learn {

namespace {

// Per node whether it stays a split. Children have higher numbers than their parent, so that from
// the end every subtree is decided before its root.
std::vector<bool> WorthTheirCost(const GrownTree& tree, const NodeRecords& records, double cost) {
  std::vector<bool> stays(tree.nodes.size(), false);
  std::vector<double> surplus(tree.nodes.size(), 0.0);  // of the best subtree over one leaf
  for (std::size_t i = tree.nodes.size(); i-- > 0;) {
    const TreeNode& node = tree.nodes[i];
    if (node.is_leaf()) continue;
    const double below = surplus[node.index()] + surplus[node.index() + 1];
    surplus[i] = std::max(0.0, records.gain[i] - cost + below);
    stays[i] = surplus[i] > 0.0;
  }
  return stays;
}

}  // namespace

GrownTree Pruned(const GrownTree& tree, const NodeRecords& records, std::size_t outputs,
                 double cost) {
  const std::vector<bool> stays = WorthTheirCost(tree, records, cost);
  GrownTree out;
  out.leaf_values = LeafValues(outputs);
  out.in_bag = tree.in_bag;
  out.importances.assign(tree.importances.size(), 0.0);
  std::vector<std::size_t> from{0};  // of each new node the old one
  std::vector<int> depth{0};
  for (std::size_t at = 0; at < from.size(); ++at) {
    const std::size_t old = from[at];
    const TreeNode& node = tree.nodes[old];
    TreeNode& copy = out.nodes.emplace_back();
    out.split_code.push_back(tree.split_code[old]);
    out.depth = std::max(out.depth, depth[at]);
    if (!stays[old]) {
      copy.child = static_cast<std::uint32_t>(out.leaf_values.size());
      out.leaf_values.Add(records.values, records.place[old]);
      continue;
    }
    copy = node;
    copy.child = static_cast<std::uint32_t>(from.size()) |
                 (node.missing_left() ? TreeNode::kMissingLeft : 0U);
    out.importances[static_cast<std::size_t>(node.feature)] += records.gain[old];
    for (const std::size_t child : {std::size_t{node.index()}, std::size_t{node.index()} + 1}) {
      from.push_back(child);
      depth.push_back(depth[at] + 1);
    }
  }
  return out;
}

}  // namespace dml::learn

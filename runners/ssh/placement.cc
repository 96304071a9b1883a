#include "runners/ssh/placement.h"

#include <algorithm>

namespace dml::ssh {

namespace {

bool Fits(const Need& need, const NodeLoad& node) {
  if (!node.usable || !HasLabels(node.labels, need)) return false;
  if (node.used == 0) return true;  // too large for any node: as good as it gets
  if (need.memory_bytes > 0 && node.memory_used + need.memory_bytes > node.memory_bytes) {
    return false;
  }
  const double limit = need.queueable ? node.slots * (1 + kLinePerSlot) : node.slots;
  return node.used + need.cpus <= limit;
}

}  // namespace

bool HasLabels(const std::vector<std::string>& labels, const Need& need) {
  return std::ranges::all_of(need.labels, [&](const std::string& label) {
    return std::ranges::find(labels, label) != labels.end();
  });
}

std::optional<std::size_t> ChooseNode(const Need& need, std::span<const NodeLoad> nodes) {
  std::optional<std::size_t> best;
  double best_cost = 0;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    if (!Fits(need, nodes[i])) continue;
    const double transfer = static_cast<double>(nodes[i].missing_bytes) / kBytesPerSecond;
    const double cost = transfer + nodes[i].used / std::max(1.0, nodes[i].slots);
    if (best && cost >= best_cost) continue;
    best = i;
    best_cost = cost;
  }
  return best;
}

}  // namespace dml::ssh

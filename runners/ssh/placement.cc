#include "runners/ssh/placement.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/quantity.h"

namespace dml::ssh {

namespace {

// Differences that are not worth a word.
constexpr double kSpeedNoise = 0.1;
// Nodes that are named one by one.
constexpr std::size_t kNamedMax = 8;

// What keeps it from beginning there now; nothing: it may.
std::optional<std::string> Obstacle(const Need& need, const NodeLoad& node) {
  if (!HasFiles(node.name, need)) return "the files that it reads are on " + need.node;
  if (!HasLabels(node.labels, need)) return "lacks a label";
  if (!node.usable) return node.unusable.empty() ? "cannot be used" : node.unusable;
  if (node.used == 0) return std::nullopt;  // too large for any node: as good as it gets
  if (need.memory_bytes > 0 && node.memory_used + need.memory_bytes > node.memory_bytes) {
    return fmt::format("{} of its {} memory are taken", FormatSize(node.memory_used),
                       FormatSize(node.memory_bytes));
  }
  const double line = need.queueable ? 1 + kLinePerSlot : 1;
  if (node.used + need.cpus > node.slots * line) {
    return fmt::format("{:g} of its {:g} cores are taken", node.used, node.slots);
  }
  if (node.tasks_max > 0 && node.tasks + 1 > node.tasks_max * line) {
    return fmt::format("its {} slots are taken", node.tasks_max);
  }
  return std::nullopt;
}

double Cost(const Need& need, const NodeLoad& node) {
  const double transfer = static_cast<double>(node.missing_bytes) / kBytesPerSecond;
  return transfer + need.seconds * (1 + node.used / std::max(1.0, node.slots)) / node.speed;
}

}  // namespace

bool HasLabels(const std::vector<std::string>& labels, const Need& need) {
  return std::ranges::all_of(need.labels, [&](const std::string& label) {
    return std::ranges::find(labels, label) != labels.end();
  });
}

bool HasFiles(const std::string& name, const Need& need) {
  return need.node.empty() || need.node == name;
}

std::optional<std::size_t> ChooseNode(const Need& need, std::span<const NodeLoad> nodes) {
  std::optional<std::size_t> best;
  double best_cost = 0;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    if (Obstacle(need, nodes[i])) continue;
    const double cost = Cost(need, nodes[i]);
    if (best && cost >= best_cost) continue;
    best = i;
    best_cost = cost;
  }
  return best;
}

std::string WhyThere(const Need& need, std::span<const NodeLoad> nodes, std::size_t chosen) {
  const NodeLoad& node = nodes[chosen];
  std::string why;
  const auto add = [&](const std::string& text) { why += (why.empty() ? "" : ", ") + text; };
  std::size_t others = 0;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    others += i != chosen && !Obstacle(need, nodes[i]) ? 1U : 0U;
  }
  if (!need.node.empty()) add("it has the files");
  if (!need.labels.empty()) add("it carries " + fmt::format("{}", fmt::join(need.labels, " ")));
  if (need.input_bytes > 0) {
    add(fmt::format("{} of {} input are there",
                    FormatSize(std::max<std::int64_t>(0, need.input_bytes - node.missing_bytes)),
                    FormatSize(need.input_bytes)));
  }
  add(fmt::format("{:g} of {:g} cores were in use", node.used, node.slots));
  if (node.speed > 1 + kSpeedNoise || node.speed < 1 - kSpeedNoise) {
    add(fmt::format("{:.1f} times the average speed", node.speed));
  }
  add(others == 0
          ? "no other node could take it"
          : fmt::format("{} other {} could, later", others, others == 1 ? "node" : "nodes"));
  return why;
}

std::string WhyNotNow(const Need& need, std::span<const NodeLoad> nodes) {
  std::string why;
  for (std::size_t i = 0; i < std::min(nodes.size(), kNamedMax); ++i) {
    const auto obstacle = Obstacle(need, nodes[i]);
    if (!obstacle) continue;
    why += fmt::format("{}{}: {}", why.empty() ? "" : "; ", nodes[i].name, *obstacle);
  }
  if (nodes.size() > kNamedMax) why += fmt::format("; and {} more", nodes.size() - kNamedMax);
  return why;
}

}  // namespace dml::ssh

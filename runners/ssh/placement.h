#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace dml::ssh {

// What an attempt asks of a node.
struct Need {
  double cpus = 1;
  std::int64_t memory_bytes = 0;
  std::vector<std::string> labels;
  bool queueable = false;  // short: may wait in the line of a node, to hide the round trip
};

// How a node stands. `missing_bytes`: of this attempt's inputs, that it would have to be sent.
struct NodeLoad {
  bool usable = false;
  double slots = 1;
  double used = 0;  // by attempts there, running or in line
  std::int64_t memory_bytes = 0;
  std::int64_t memory_used = 0;
  std::vector<std::string> labels;
  std::int64_t missing_bytes = 0;
};

// Attempts in the line of a node beyond its slots, per slot.
inline constexpr double kLinePerSlot = 32;
// What a byte to be sent costs, against a place in line.
inline constexpr double kBytesPerSecond = 100e6;

[[nodiscard]] bool HasLabels(const std::vector<std::string>& labels, const Need& need);

// Where it would begin soonest: transfer first, then the share of slots in use, then the order of
// the inventory. Nothing: nowhere now. Pure.
[[nodiscard]] std::optional<std::size_t> ChooseNode(const Need& need,
                                                    std::span<const NodeLoad> nodes);

}  // namespace dml::ssh

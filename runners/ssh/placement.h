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
  std::int64_t input_bytes = 0;
  double seconds = 1;     // that it is expected to take on a node of average speed
  std::string node = {};  // the only one that has files which it reads; empty: any
};

// How a node stands. `missing_bytes`: of this attempt's inputs, that it would have to be sent.
struct NodeLoad {
  std::string name;
  bool usable = false;
  std::string unusable;  // why not
  double slots = 1;      // cores
  double used = 0;       // of them, by attempts there, running or in line
  int tasks_max = 0;     // attempts at once; 0: as many as the cores allow
  int tasks = 0;
  std::int64_t memory_bytes = 0;
  std::int64_t memory_used = 0;
  std::vector<std::string> labels;
  std::int64_t missing_bytes = 0;
  double speed = 1;  // against the average node
};

// Attempts in the line of a node beyond its slots, per slot.
inline constexpr double kLinePerSlot = 32;
// What a byte to be sent costs, against time.
inline constexpr double kBytesPerSecond = 100e6;

[[nodiscard]] bool HasLabels(const std::vector<std::string>& labels, const Need& need);
// Whether the node of that name may take it as far as its files go.
[[nodiscard]] bool HasFiles(const std::string& name, const Need& need);

// Where it would end soonest: transfer, then its own time by the speed of the node and the share of
// cores in use, then the order of the inventory. Nothing: nowhere now. Pure.
[[nodiscard]] std::optional<std::size_t> ChooseNode(const Need& need,
                                                    std::span<const NodeLoad> nodes);

// For people: why it went to the node `chosen` rather than to another. Pure.
[[nodiscard]] std::string WhyThere(const Need& need, std::span<const NodeLoad> nodes,
                                   std::size_t chosen);

// For people: why no node takes it now, node by node. Pure.
[[nodiscard]] std::string WhyNotNow(const Need& need, std::span<const NodeLoad> nodes);

}  // namespace dml::ssh

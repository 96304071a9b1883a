#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"

namespace dml::ssh {

// More than this before the first words of a bridge, and it is no login shell that speaks.
inline constexpr std::size_t kNoiseBytesMax = 64U << 10;

// What a node said, as it may be shown to people: its end, and nothing that moves a terminal.
inline constexpr std::size_t kQuotedNoiseMax = 300;
[[nodiscard]] std::string Quoted(std::string_view said, std::size_t bytes_max = kQuotedNoiseMax);

// Finds the first words of a bridge in what a channel says, after whatever a login shell printed.
// How that is cut into pieces does not matter.
class BridgeGreeting {
 public:
  // `sha256`: of the worker program that has to answer.
  explicit BridgeGreeting(std::string sha256) : sha256_(std::move(sha256)) {}

  // What came next. True: the bridge is ready. kEnvironment: it is not, and why.
  Result<bool> Hear(std::string_view bytes);
  [[nodiscard]] bool too_long() const { return said_.size() > kNoiseBytesMax; }
  // All of it so far.
  [[nodiscard]] const std::string& said() const { return said_; }

 private:
  std::string sha256_;
  std::string said_;
};

}  // namespace dml::ssh

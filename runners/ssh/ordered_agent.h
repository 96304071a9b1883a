#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/file_descriptor.h"

namespace dml::ssh {

// The answer of an ssh-agent that lists its keys, with those of `wanted` (as they are in the
// answer) in front, in their order; what is no such answer comes back as it is.
[[nodiscard]] std::string InOrder(std::string_view answer, const std::vector<std::string>& wanted);
// How many keys it lists.
[[nodiscard]] int KeysIn(std::string_view answer);
// The key of a line "type base64 comment"; empty if it is none.
[[nodiscard]] std::string PublicKeyOf(std::string_view line);

// The user's ssh-agent, which offers the keys of some files first. A server hears out six keys or
// so before it hangs up, and libssh offers them in the order of the agent.
class OrderedAgent {
 public:
  // `identity_files`: private keys, whose public halves are in files beside them. Nothing if there
  // is no agent.
  static std::unique_ptr<OrderedAgent> Reach(const std::vector<std::string>& identity_files);
  ~OrderedAgent();
  OrderedAgent(const OrderedAgent&) = delete;
  OrderedAgent& operator=(const OrderedAgent&) = delete;

  // A socket that speaks as the agent does while this lives; now the caller's.
  [[nodiscard]] int Take() { return std::exchange(theirs_, -1); }
  // That it has listed so far.
  [[nodiscard]] int keys() const { return keys_; }

 private:
  OrderedAgent(int ours, int theirs, int agent, std::vector<std::string> wanted);
  void Work();

  const FileDescriptor ours_;
  const FileDescriptor agent_;
  int theirs_;
  const std::vector<std::string> wanted_;
  std::atomic<int> keys_{0};
  std::jthread thread_;
};

}  // namespace dml::ssh

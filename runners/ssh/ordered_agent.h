#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/file_descriptor.h"

namespace dml::ssh {

// An agent that is awake lists its keys in no time.
inline constexpr Duration kAgentListMax = Duration::Seconds(3);

// The answer of an ssh-agent that lists its keys, with those of `wanted` (as they are in the
// answer) in front, in their order; what is no such answer comes back as it is.
[[nodiscard]] std::string InOrder(std::string_view answer, const std::vector<std::string>& wanted);
// What the keys that it lists are called, in its order.
[[nodiscard]] std::vector<std::string> NamesIn(std::string_view answer);
// The key of a line "type base64 comment"; empty if it is none.
[[nodiscard]] std::string PublicKeyOf(std::string_view line);

// The user's ssh-agent, which offers the keys of some files first. A server hears out six keys or
// so before it hangs up, and libssh offers them in the order of the agent.
class OrderedAgent {
 public:
  // `identity_files`: private keys, whose public halves are in files beside them. `patience`: with
  // an agent that signs, which may have to ask somebody. Nothing if there is no agent.
  static std::unique_ptr<OrderedAgent> Reach(const std::vector<std::string>& identity_files,
                                             Duration patience);
  ~OrderedAgent();
  OrderedAgent(const OrderedAgent&) = delete;
  OrderedAgent& operator=(const OrderedAgent&) = delete;

  // A socket that speaks as the agent does while this lives; now the caller's.
  [[nodiscard]] int Take() { return std::exchange(theirs_, -1); }
  // What the keys are called that it has listed so far, in the order in which they are offered.
  [[nodiscard]] std::vector<std::string> keys() const;
  // It was asked for something, and has not answered in time.
  [[nodiscard]] bool silent() const { return silent_; }

 private:
  OrderedAgent(int ours, int theirs, int agent, std::vector<std::string> wanted, Duration patience);
  void Work();
  bool AskAgent(std::string& message);

  const FileDescriptor ours_;
  const FileDescriptor agent_;
  int theirs_;
  const std::vector<std::string> wanted_;
  const Duration patience_;
  std::atomic<bool> silent_{false};
  mutable std::mutex mutex_;
  std::vector<std::string> keys_;  // guarded by mutex_
  std::jthread thread_;
};

}  // namespace dml::ssh

#pragma once

#include <mutex>
#include <vector>

#include "base/clock.h"
#include "cli/display/output.h"
#include "runners/ssh/host.h"
#include "runners/ssh/host_keys.h"

namespace dml::cli {

// Asks a person about host keys that nobody knows: one question at a time, and only if somebody is
// there to answer. Thread-safe.
class Doorkeeper {
 public:
  // `accept`: says yes without asking.
  Doorkeeper(bool accept, const Output& output) : accept_(accept), output_(output) {}

  bool Ask(const ssh::Host& host, const ssh::HostKey& key);

 private:
  std::mutex mutex_;
  const bool accept_;
  const Output& output_;
};

// OpenSSH goes through jump hosts and asks nobody: whether their keys are trusted is settled first.
// What else is wrong with them is said of the nodes behind them.
void MeetJumpHosts(const std::vector<ssh::Host>& hosts, Duration timeout, Doorkeeper& keeper);

}  // namespace dml::cli

#include "cli/cluster/doorkeeper.h"

#include <fmt/format.h>
#include <unistd.h>

#include <string>

#include "runners/ssh/jumps.h"
#include "runners/ssh/remote.h"

namespace dml::cli {

bool Doorkeeper::Ask(const ssh::Host& host, const ssh::HostKey& key) {
  const std::lock_guard lock(mutex_);
  output_.Warn(fmt::format("{} ({}) shows a host key that nobody has seen: {} {}", host.name,
                           ssh::Describe(host), key.type, key.fingerprint));
  if (accept_) return true;
  if (::isatty(0) == 0) return false;
  output_.RawMessage("Is it the right one? Type yes to trust it from now on: ");
  std::string answer;
  for (char c = 0; ::read(0, &c, 1) == 1 && c != '\n';) answer += c;
  return answer == "yes";
}

void MeetJumpHosts(const std::vector<ssh::Host>& hosts, Duration timeout, Doorkeeper& keeper) {
  for (const ssh::Host& hop : ssh::JumpHostsOf(hosts)) {
    ssh::NodeFacts ignored;
    const auto ask = [&](const ssh::Host& host, const ssh::HostKey& key) {
      return keeper.Ask(host, key);
    };
    ssh::LogIn(hop, {timeout, ask}, ignored);
  }
}

}  // namespace dml::cli

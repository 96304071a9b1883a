#include "runners/ssh/jumps.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "runners/ssh/openssh_config.h"

namespace dml::ssh {

namespace {

// Behind `before`, which is empty or such hops with commas.
Host HostOf(Hop hop, const std::string& before, const Host& target) {
  Host host;
  host.ssh_config = target.ssh_config;
  host.jump = before;
  host.user = std::move(hop.user);
  host.port = hop.port;
  host.name = host.address = std::move(hop.address);
  return host;
}

}  // namespace

std::vector<Host> JumpHostsOf(const std::vector<Host>& hosts) {
  std::vector<Host> hops;
  std::set<std::pair<std::string, std::string>> seen;
  for (const Host& host : hosts) {
    std::string before;
    for (std::size_t at = 0; at < host.jump.size();) {
      const std::size_t end = std::min(host.jump.find(',', at), host.jump.size());
      const std::string text = host.jump.substr(at, end - at);
      at = end + 1;
      auto parsed = ParseHop(text);
      if (!parsed) break;
      Host hop = HostOf(std::move(*parsed), before, host);
      before += (before.empty() ? "" : ",") + text;
      if (!seen.emplace(before, host.ssh_config).second || !Resolve(hop).ok()) continue;
      hops.push_back(std::move(hop));
    }
  }
  return hops;
}

}  // namespace dml::ssh

#include "runners/ssh/jumps.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <string>
#include <utility>

#include "runners/ssh/openssh_config.h"

namespace dml::ssh {

namespace {

// "[user@]host[:port]", behind `before`, which is empty or such hops with commas.
Host HopOf(std::string text, const std::string& before, const Host& target) {
  Host hop;
  hop.ssh_config = target.ssh_config;
  hop.jump = before;
  if (const std::size_t at = text.find('@'); at != std::string::npos) {
    hop.user = text.substr(0, at);
    text.erase(0, at + 1);
  }
  if (const std::size_t colon = text.rfind(':'); colon != std::string::npos) {
    std::from_chars(text.data() + colon + 1, text.data() + text.size(), hop.port);
    text.resize(colon);
  }
  hop.name = hop.address = text;
  return hop;
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
      Host hop = HopOf(text, before, host);
      before += (before.empty() ? "" : ",") + text;
      if (!seen.emplace(before, host.ssh_config).second || !Resolve(hop).ok()) continue;
      hops.push_back(std::move(hop));
    }
  }
  return hops;
}

}  // namespace dml::ssh

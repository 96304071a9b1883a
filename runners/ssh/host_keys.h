#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "runners/ssh/host.h"

namespace dml::ssh {

// The key with which a server proved itself.
struct HostKey {
  std::string type;         // "ssh-ed25519"
  std::string base64;       // as in known_hosts
  std::string fingerprint;  // "SHA256:..."
};

// Where dml keeps the keys that it was told to trust: $DML_KNOWN_HOSTS, else
// $XDG_CONFIG_HOME/dml/known_hosts, else ~/.config/dml/known_hosts.
[[nodiscard]] std::string OwnKnownHosts();

// "host" for port 22, else "[host]:port": how known_hosts files name a server.
[[nodiscard]] std::string KnownHostsName(const Host& host);

// Whether a line of these texts revokes the key. For whatever host it was revoked: a key that is
// known to somebody else is nobody's.
[[nodiscard]] bool IsRevoked(const std::string& known_hosts, const HostKey& key);

// Whether a pinned `host_key:` means this key.
[[nodiscard]] bool Matches(const std::string& pinned, const HostKey& key);

// Appends a line to OwnKnownHosts() under a lock, durably.
Result<void> Trust(const Host& host, const HostKey& key);

}  // namespace dml::ssh

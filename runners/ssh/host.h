#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace dml::ssh {

// One node of a cluster, with everything resolved that can be known before connecting. Plain data.
struct Host {
  std::string name;     // as the user calls it; unique in a cluster
  std::string address;  // a host name or an address
  int port = 0;         // 0 until resolved
  std::string user;
  std::vector<std::string> identity_files;  // tried in order; the first that is there
  std::string jump;                         // "[user@]host[:port]" to go through, or empty
  std::string proxy_command;  // ProxyCommand of the ssh configuration; only without a jump
  bool proxy_passes_descriptor = false;  // ProxyUseFdpass
  std::string ssh_config;                // a file for `ssh -F`, or empty
  std::string host_key;                  // pinned: "SHA256:..." or "ssh-ed25519 AAAA..."
  std::vector<std::string> known_hosts;  // files of OpenSSH, read only
  double cpus = 0;                       // cores to use; 0: `slots`, or all that it has
  double slots = 0;                      // tasks at once; 0: as many as the cores allow
  std::int64_t memory_bytes = 0;         // 0: what the node has
  std::vector<std::string> labels;
  std::map<std::string, std::string> env;  // for every task there
  std::string env_init;    // a script for the login shell there, before its first command
  std::string shared_dir;  // a folder that this machine and the node see under this name
  std::string workdir = ".dml-node";            // relative to the home folder of the user there
  Duration lease = Duration::Seconds(30 * 60);  // of the cluster
};

// A cluster as an inventory describes it.
struct Cluster {
  std::string file;
  std::vector<Host> hosts;
  Duration lease = Duration::Seconds(30 * 60);
  Duration connect_timeout = Duration::Seconds(10);
};

// Names that go to a resolver, into a command line or into a known_hosts file: letters, digits and
// a few signs, never a leading '-'.
[[nodiscard]] bool IsPlainHost(const std::string& text);
// Such a name without the signs of addresses, or an address of IPv6, which may have a zone.
[[nodiscard]] bool IsHostAddress(const std::string& text);
[[nodiscard]] bool IsPlainUser(const std::string& text);
// One jump host: "[user@]host[:port]". An address may stand in brackets, which one of IPv6 with a
// port has to; OpenSSH writes all addresses so.
struct Hop {
  std::string user = {};
  std::string address;
  int port = 0;  // 0: nothing is said
};
[[nodiscard]] std::optional<Hop> ParseHop(std::string text);
// Such a one, or several with commas: a chain.
[[nodiscard]] bool IsJump(const std::string& text);
// "SHA256:..." or "<type> <base64>".
[[nodiscard]] bool IsPinnedKey(const std::string& text);
// A path for a remote command line: letters, digits and "_./-", with no ".." in it.
[[nodiscard]] bool IsPlainPath(const std::string& text);

// The cores that tasks may use there; 0: all that it has.
[[nodiscard]] double CoresOf(const Host& host);

// "address:port", an address of IPv6 in brackets.
[[nodiscard]] std::string WithPort(const Host& host);
// "user@address:port", for messages.
[[nodiscard]] std::string Describe(const Host& host);

}  // namespace dml::ssh

#include "runners/ssh/openssh_config.h"

#include <pwd.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <sstream>

#include "runners/ssh/subprocess.h"

namespace dml::ssh {

namespace {

constexpr Duration kResolveMax = Duration::Seconds(10);
constexpr int kPortMax = 65535;

std::string WithoutTilde(const std::string& path) {
  return path.starts_with("~/") ? AccountHome() + path.substr(1) : path;
}

void AddWords(const std::string& words, std::vector<std::string>& out) {
  std::istringstream stream(words);
  for (std::string word; stream >> word;) out.push_back(WithoutTilde(word));
}

}  // namespace

std::string AccountHome() {
  const passwd* entry = ::getpwuid(::geteuid());
  if (entry != nullptr) return entry->pw_dir;
  const char* home = std::getenv("HOME");
  return home == nullptr ? "" : home;
}

void ApplyOpenSshConfig(const std::string& text, Host& host) {
  std::istringstream lines(text);
  std::vector<std::string> identities;
  std::vector<std::string> known;
  std::string address;
  std::string user;
  std::string jump;
  int port = 0;
  for (std::string line; std::getline(lines, line);) {
    const std::size_t space = line.find(' ');
    if (space == std::string::npos) continue;
    const std::string key = line.substr(0, space);
    const std::string value = line.substr(space + 1);
    if (key == "hostname") address = value;
    if (key == "user") user = value;
    if (key == "port") port = std::atoi(value.c_str());
    if (key == "proxyjump" && value != "none") jump = value;
    if (key == "identityfile") identities.push_back(WithoutTilde(value));
    if (key == "userknownhostsfile" || key == "globalknownhostsfile") AddWords(value, known);
  }
  if (host.address.empty()) host.address = address;
  if (host.user.empty()) host.user = user;
  if (host.jump.empty()) host.jump = jump;
  if (host.port == 0 && port > 0 && port <= kPortMax) host.port = port;
  if (host.identity_files.empty()) host.identity_files = identities;
  host.known_hosts.insert(host.known_hosts.end(), known.begin(), known.end());
}

Result<void> Resolve(Host& host) {
  const std::string target = host.address.empty() ? host.name : host.address;
  if (!IsPlainHost(target)) return Error::Invalid("'" + target + "' is not a host name");
  std::vector<std::string> argv{"ssh", "-G"};
  if (!host.ssh_config.empty()) argv.insert(argv.end(), {"-F", host.ssh_config});
  argv.insert(argv.end(), {"--", target});
  const auto asked = RunProgram(argv, kResolveMax);
  if (asked.ok() && asked->code == 0) {
    // An address in the inventory may be an alias, too.
    host.address.clear();
    ApplyOpenSshConfig(asked->out, host);
  } else if (asked.ok()) {
    return Error::Invalid("`ssh -G " + target + "` failed: " + asked->err.substr(0, 300));
  }
  if (host.address.empty()) host.address = target;
  if (host.port == 0) host.port = 22;
  if (host.user.empty()) {
    const passwd* entry = ::getpwuid(::geteuid());
    if (entry != nullptr) host.user = entry->pw_name;
  }
  if (host.identity_files.empty()) {
    for (const char* name : {"id_ed25519", "id_ecdsa", "id_rsa"}) {
      host.identity_files.push_back(AccountHome() + "/.ssh/" + name);
    }
  }
  if (host.known_hosts.empty()) host.known_hosts = {AccountHome() + "/.ssh/known_hosts"};
  if (!IsPlainHost(host.address)) {
    return Error::Invalid("'" + host.address + "' is not a host name");
  }
  if (!IsPlainUser(host.user)) return Error::Invalid("'" + host.user + "' is not a user name");
  return {};
}

}  // namespace dml::ssh

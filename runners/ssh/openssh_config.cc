#include "runners/ssh/openssh_config.h"

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <string_view>

#include "runners/ssh/subprocess.h"

namespace dml::ssh {

namespace {

constexpr Duration kResolveMax = Duration::Seconds(10);
constexpr int kPortMax = 65535;
constexpr std::size_t kComplaintMax = 300;

std::string WithoutTilde(const std::string& path) {
  return path.starts_with("~/") ? AccountHome() + path.substr(1) : path;
}

// What a program complained about, without its line ends.
std::string OneLine(std::string text) {
  text.resize(std::min(text.size(), kComplaintMax));
  std::string out;
  for (const char c : text) {
    if (c == '\r') continue;
    if (c != '\n') {
      out += c;
    } else if (!out.ends_with("; ")) {
      out += "; ";
    }
  }
  while (out.ends_with(' ') || out.ends_with(';')) out.pop_back();
  return out;
}

void AddWords(const std::string& words, std::vector<std::string>& out) {
  std::istringstream stream(words);
  for (std::string word; stream >> word;) out.push_back(WithoutTilde(word));
}

// %h, %n, %p, %r and %% as OpenSSH expands them. Host, port and user are of plain characters, so
// that the shell which runs the command sees words; a user with a '$' would not be one.
Result<void> ExpandProxyCommand(const std::string& alias, Host& host) {
  if (host.proxy_command.empty()) return {};
  const auto refuse = [&](const std::string& why) {
    return Error::Invalid(
        "ProxyCommand '" + host.proxy_command + "' of its ssh configuration " + why,
        "write jump: in the inventory, or ProxyJump in the configuration");
  };
  if (host.proxy_passes_descriptor) return refuse("uses ProxyUseFdpass, which dml cannot");
  std::string out;
  for (std::size_t i = 0; i < host.proxy_command.size(); ++i) {
    const char c = host.proxy_command[i];
    if (c != '%') {
      out += c;
      continue;
    }
    const char sign = ++i < host.proxy_command.size() ? host.proxy_command[i] : '\0';
    if (sign == '%') out += '%';
    if (sign == 'h') out += host.address;
    if (sign == 'n') out += alias;
    if (sign == 'p') out += std::to_string(host.port);
    if (sign == 'r' && host.user.find('$') != std::string::npos)
      return refuse("needs a plain user");
    if (sign == 'r') out += host.user;
    if (std::string_view("%hnpr").find(sign) == std::string_view::npos) {
      return refuse("has something else than %h, %n, %p, %r and %% in it");
    }
  }
  host.proxy_command = out;
  return {};
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
  std::string proxy;
  bool passes_descriptor = false;
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
    if (key == "proxycommand" && value != "none") proxy = value;
    if (key == "proxyusefdpass") passes_descriptor = value == "yes";
    if (key == "identityfile") identities.push_back(WithoutTilde(value));
    if (key == "userknownhostsfile" || key == "globalknownhostsfile") AddWords(value, known);
  }
  if (host.address.empty()) host.address = address;
  if (host.user.empty()) host.user = user;
  if (host.jump.empty()) host.jump = jump;
  if (host.port == 0 && port > 0 && port <= kPortMax) host.port = port;
  if (host.jump.empty() && !proxy.empty()) {
    host.proxy_command = proxy;
    host.proxy_passes_descriptor = passes_descriptor;
  }
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
    return Error::Invalid("`ssh -G " + target + "` failed: " + OneLine(asked->err));
  } else if (asked.error().kind == ErrorKind::kCancelled) {
    return Error::Invalid(
        fmt::format("`ssh -G {}` did not end within {:.0f} s", target, kResolveMax.seconds()),
        "see what a `Match exec` in ~/.ssh/config waits for");
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
  return ExpandProxyCommand(target, host);
}

}  // namespace dml::ssh

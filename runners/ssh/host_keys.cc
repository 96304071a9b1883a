#include "runners/ssh/host_keys.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <sstream>

#include "base/files.h"

namespace dml::ssh {

std::string OwnKnownHosts() {
  if (const char* path = std::getenv("DML_KNOWN_HOSTS"); path != nullptr && *path != '\0') {
    return path;
  }
  const char* config = std::getenv("XDG_CONFIG_HOME");
  const char* home = std::getenv("HOME");
  if (config != nullptr && *config != '\0') return std::string(config) + "/dml/known_hosts";
  return std::string(home == nullptr ? "" : home) + "/.config/dml/known_hosts";
}

std::string KnownHostsName(const Host& host) {
  return host.port == 22 ? host.address : fmt::format("[{}]:{}", host.address, host.port);
}

bool IsRevoked(const std::string& known_hosts, const HostKey& key) {
  std::istringstream lines(known_hosts);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string marker;
    std::string hosts;
    std::string type;
    std::string base64;
    words >> marker >> hosts >> type >> base64;
    if (marker == "@revoked" && base64 == key.base64) return true;
  }
  return false;
}

bool Matches(const std::string& pinned, const HostKey& key) {
  std::istringstream words(pinned);
  std::string first;
  std::string second;
  words >> first >> second;
  if (first.starts_with("SHA256:")) return first == key.fingerprint;
  return first == key.type && second == key.base64;
}

Result<void> Trust(const Host& host, const HostKey& key) {
  const std::string path = OwnKnownHosts();
  const std::string folder = std::filesystem::path(path).parent_path().string();
  DML_RETURN_IF_ERROR(MakeDirectories(folder));
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0) return Error::System("cannot write '" + path + "'", errno);
  const std::string line = fmt::format("{} {} {}\n", KnownHostsName(host), key.type, key.base64);
  ::flock(fd, LOCK_EX);
  const bool written = ::write(fd, line.data(), line.size()) == static_cast<ssize_t>(line.size()) &&
                       ::fsync(fd) == 0;
  const int code = errno;
  ::close(fd);
  if (!written) return Error::System("cannot write '" + path + "'", code);
  return SyncDirectory(folder);
}

}  // namespace dml::ssh

#include "runners/ssh/dial.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <utility>

#include "base/files.h"
#include "base/hash.h"
#include "runners/ssh/host_keys.h"
#include "runners/ssh/openssh_config.h"
#include "runners/ssh/subprocess.h"

namespace dml::ssh {

namespace {

constexpr int kSliceMs = 100;
// A jump that failed ends; until then it may say more.
constexpr Duration kLastWords = Duration::Seconds(1);

void SetOption(int fd, int level, int name, int value) {
  ::setsockopt(fd, level, name, &value, sizeof value);
}

std::string TextOf(const addrinfo& address) {
  char text[NI_MAXHOST] = "?";
  ::getnameinfo(address.ai_addr, address.ai_addrlen, text, sizeof text, nullptr, 0, NI_NUMERICHOST);
  return text;
}

int LeftMs(Instant deadline) {
  const SystemClock clock;
  return static_cast<int>(std::max<std::int64_t>(0, (deadline - clock.Now()).ns / 1'000'000));
}

// A connected descriptor, or a negative errno.
int ConnectOne(const addrinfo& address, Instant until, const std::atomic<bool>* give_up) {
  const int fd =
      ::socket(address.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP);
  if (fd < 0) return -errno;
  int code = ::connect(fd, address.ai_addr, address.ai_addrlen) == 0 ? 0 : errno;
  if (code == EINPROGRESS) {
    pollfd waiting{fd, POLLOUT, 0};
    int ready = 0;
    while (ready == 0 && LeftMs(until) > 0 && !(give_up != nullptr && give_up->load())) {
      ready = ::poll(&waiting, 1, std::min(kSliceMs, LeftMs(until)));
    }
    code = ready == 0 ? ETIMEDOUT : 0;
    socklen_t size = sizeof code;
    if (code == 0) ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &size);
  }
  if (code == 0) return fd;
  ::close(fd);
  return -code;
}

// The configuration for `ssh -F` on the way through jump hosts: the user's, after options that it
// cannot weaken, and with the keys that dml was told to trust as known as all others. OpenSSH hands
// the file on from hop to hop, which it does not do with -o.
Result<std::string> StrictConfig(const Host& host) {
  std::string text = "Host *\nBatchMode yes\nStrictHostKeyChecking yes\nGlobalKnownHostsFile";
  for (const std::string& file : {OwnKnownHosts(), std::string("/etc/ssh/ssh_known_hosts"),
                                  std::string("/etc/ssh/ssh_known_hosts2")}) {
    text += " \"" + file + "\"";
  }
  text += '\n';
  for (const std::string& file :
       {host.ssh_config.empty() ? AccountHome() + "/.ssh/config" : host.ssh_config,
        std::string(host.ssh_config.empty() ? "/etc/ssh/ssh_config" : "")}) {
    if (!file.empty()) text += "Include \"" + file + "\"\n";
  }
  const std::string folder = std::filesystem::path(OwnKnownHosts()).parent_path().string();
  DML_RETURN_IF_ERROR(MakeDirectories(folder));
  const std::string path = folder + "/jump-" + Sha256::Of(text).Short() + ".config";
  const auto there = ReadFile(path);
  if (!there.ok() || *there != text) DML_RETURN_IF_ERROR(WriteFileAtomic(path, text));
  return path;
}

}  // namespace

bool IsForGood(int status) {
  return status != EAI_AGAIN && status != EAI_SYSTEM && status != EAI_MEMORY;
}

Line::Line(Line&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      jump_pid_(std::exchange(other.jump_pid_, 0)),
      jump_err_fd_(std::exchange(other.jump_err_fd_, -1)) {}

Line& Line::operator=(Line&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(jump_pid_, other.jump_pid_);
  std::swap(jump_err_fd_, other.jump_err_fd_);
  return *this;
}

Line::~Line() {
  if (fd_ >= 0) ::close(fd_);
  if (jump_err_fd_ >= 0) ::close(jump_err_fd_);
  if (jump_pid_ <= 0) return;
  ::kill(jump_pid_, SIGKILL);
  while (::waitpid(jump_pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

int Line::Release() { return std::exchange(fd_, -1); }

std::string Line::Complaint() const {
  if (jump_err_fd_ < 0) return {};
  const SystemClock clock;
  const Instant deadline = clock.Now() + kLastWords;
  std::string text;
  char block[2048];
  pollfd said{jump_err_fd_, POLLIN, 0};
  while (text.size() < sizeof block && ::poll(&said, 1, LeftMs(deadline)) > 0) {
    const ssize_t got = ::read(jump_err_fd_, block, sizeof block);
    if (got <= 0) break;
    text.append(block, static_cast<std::size_t>(got));
  }
  for (char& c : text) c = c == '\r' || c == '\n' ? ' ' : c;
  text.erase(text.find_last_not_of(' ') + 1);
  return text;
}

Result<Line> Line::Dial(const Host& host, Instant deadline, const std::atomic<bool>* give_up) {
  if (!IsPlainHost(host.address)) {
    return Error::Invalid("'" + host.address + "' is not a host name or an address");
  }
  if (!host.jump.empty()) return Jump(host);
  if (!host.proxy_command.empty()) return Through({"/bin/sh", "-c", "exec " + host.proxy_command});
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int status =
      ::getaddrinfo(host.address.c_str(), std::to_string(host.port).c_str(), &hints, &found);
  if (status != 0) {
    const std::string why =
        fmt::format("cannot resolve '{}': {}", host.address, ::gai_strerror(status));
    const std::string hint = "check the host name, or write the address as host:";
    return IsForGood(status) ? Error::Invalid(why, hint) : Error::Environment(why, hint);
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, ::freeaddrinfo);
  int count = 0;
  for (const addrinfo* one = found; one != nullptr; one = one->ai_next) ++count;
  std::string failures;
  for (const addrinfo* one = found; one != nullptr; one = one->ai_next, --count) {
    const SystemClock clock;
    const Duration share = {(deadline - clock.Now()).ns / count};
    const int fd = ConnectOne(*one, clock.Now() + share, give_up);
    if (fd < 0) {
      failures += fmt::format("{}{} port {}: {}", failures.empty() ? "" : "; ", TextOf(*one),
                              host.port, std::strerror(-fd));
      continue;
    }
    ::fcntl(fd, F_SETFL, 0);
    SetOption(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    SetOption(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    SetOption(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, static_cast<int>(kUserTimeout.ns / 1'000'000));
    Line line;
    line.fd_ = fd;
    return line;
  }
  return Error::Environment("cannot connect to " + failures,
                            "check that the machine is up and that its sshd listens there");
}

// OpenSSH itself goes through the jump hosts, with the user's own configuration and known hosts.
Result<Line> Line::Jump(const Host& host) {
  if (!IsJump(host.jump)) {
    return Error::Invalid("'" + host.jump + "' is not [user@]host[:port], or several with commas");
  }
  DML_TRY(const std::string config, StrictConfig(host));
  std::vector<std::string> argv{"ssh", "-F", config};
  const std::size_t comma = host.jump.rfind(',');
  if (comma != std::string::npos) argv.insert(argv.end(), {"-J", host.jump.substr(0, comma)});
  const auto last = ParseHop(host.jump.substr(comma == std::string::npos ? 0 : comma + 1));
  if (!last->user.empty()) argv.insert(argv.end(), {"-l", last->user});
  if (last->port > 0) argv.insert(argv.end(), {"-p", std::to_string(last->port)});
  argv.insert(argv.end(), {"-W", WithPort(host), "--", last->address});
  return Through(argv);
}

// What a child process carries.
Result<Line> Line::Through(const std::vector<std::string>& argv) {
  DML_TRY(const Piped piped, StartPiped(argv));
  Line line;
  line.fd_ = piped.fd;
  line.jump_pid_ = piped.pid;
  line.jump_err_fd_ = piped.err_fd;
  return line;
}

}  // namespace dml::ssh

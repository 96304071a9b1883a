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
#include <cstring>
#include <memory>
#include <utility>

#include "runners/ssh/subprocess.h"

namespace dml::ssh {

namespace {

constexpr int kSliceMs = 100;

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

}  // namespace

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
  ::fcntl(jump_err_fd_, F_SETFL, O_NONBLOCK);
  char block[2048];
  const ssize_t got = ::read(jump_err_fd_, block, sizeof block);
  std::string text(block, got > 0 ? static_cast<std::size_t>(got) : 0);
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  return text;
}

Result<Line> Line::Dial(const Host& host, Instant deadline, const std::atomic<bool>* give_up) {
  if (!IsPlainHost(host.address)) {
    return Error::Invalid("'" + host.address + "' is not a host name or an address");
  }
  if (!host.jump.empty()) return Jump(host);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int status =
      ::getaddrinfo(host.address.c_str(), std::to_string(host.port).c_str(), &hints, &found);
  if (status != 0) {
    return Error::Environment(
        fmt::format("cannot resolve '{}': {}", host.address, ::gai_strerror(status)),
        "check the host name, or write the address as host:");
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

// OpenSSH itself goes through the jump host, with the user's own configuration and known hosts.
Result<Line> Line::Jump(const Host& host) {
  std::vector<std::string> argv{"ssh", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes"};
  if (!host.ssh_config.empty()) argv.insert(argv.end(), {"-F", host.ssh_config});
  const std::size_t at = host.jump.find('@');
  std::string where = at == std::string::npos ? host.jump : host.jump.substr(at + 1);
  const std::string user = at == std::string::npos ? "" : host.jump.substr(0, at);
  const std::size_t colon = where.rfind(':');
  if (colon != std::string::npos) {
    argv.insert(argv.end(), {"-p", where.substr(colon + 1)});
    where.resize(colon);
  }
  if (!IsPlainHost(where) || (!user.empty() && !IsPlainUser(user))) {
    return Error::Invalid("'" + host.jump + "' is not [user@]host[:port]");
  }
  if (!user.empty()) argv.insert(argv.end(), {"-l", user});
  argv.insert(argv.end(), {"-W", fmt::format("{}:{}", host.address, host.port), "--", where});
  DML_TRY(const Piped piped, StartPiped(argv));
  Line line;
  line.fd_ = piped.fd;
  line.jump_pid_ = piped.pid;
  line.jump_err_fd_ = piped.err_fd;
  return line;
}

}  // namespace dml::ssh

#include "tests/ssh/fault_proxy.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

namespace dml::ssh {

namespace {

constexpr std::size_t kLaneBytesMax = 8U << 20;
constexpr std::size_t kReadBytes = 64U << 10;
constexpr int kSliceMs = 1;
// To which descriptors that accept() returns are heirs.
void LimitHeld(int fd, int bytes) {
  if (bytes > 0) ::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
}

sockaddr_in AddressOf(const std::string& host, int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  ::inet_pton(AF_INET, host.c_str(), &address.sin_addr);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  return address;
}

}  // namespace

FaultProxy::FaultProxy(std::string target, int target_port, int held_by_system)
    : target_(std::move(target)),
      target_port_(target_port),
      held_by_system_(held_by_system),
      listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address = AddressOf("127.0.0.1", 0);
  socklen_t size = sizeof address;
  LimitHeld(listener_, held_by_system_);
  ::bind(listener_, reinterpret_cast<sockaddr*>(&address), size);
  ::listen(listener_, 16);
  ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
  port_ = ntohs(address.sin_port);
  thread_ = std::jthread([this] { Work(); });
}

FaultProxy::~FaultProxy() {
  stop_ = true;
  thread_.join();
  for (Pair& pair : pairs_) Close(pair, /*reset=*/true);
  ::close(listener_);
}

void FaultProxy::Accept() {
  const int from = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (from < 0) return;
  const int to = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  LimitHeld(to, held_by_system_);
  const sockaddr_in address = AddressOf(target_, target_port_);
  const bool connected =
      !refuse_ && ::connect(to, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  if (!connected) {
    ++refused_;
    ::close(from);
    ::close(to);
    return;
  }
  const int one = 1;
  ::setsockopt(from, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  ::setsockopt(to, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  ++connections_;
  Pair pair;
  pair.up.from = pair.down.to = from;
  pair.up.to = pair.down.from = to;
  pair.resets = resets_;
  pairs_.push_back(std::move(pair));
}

void FaultProxy::Close(Pair& pair, bool reset) {
  if (pair.over) return;
  pair.over = true;
  const linger now{1, 0};
  for (const int fd : {pair.up.from, pair.up.to}) {
    if (reset) ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    ::close(fd);
  }
}

void FaultProxy::Move(Pair& pair, Lane& lane, Instant now, bool drop) {
  while (!pair.over && lane.waiting_bytes < kLaneBytesMax) {
    std::string block(kReadBytes, '\0');
    const ssize_t got = ::recv(lane.from, block.data(), block.size(), MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) break;
    if (got <= 0) {
      if (lane.waiting.empty()) Close(pair, /*reset=*/false);
      break;
    }
    if (drop) continue;
    block.resize(static_cast<std::size_t>(got));
    lane.waiting_bytes += block.size();
    lane.waiting.push_back({now + Duration{delay_ns_.load()}, std::move(block)});
  }
  while (!pair.over && !lane.waiting.empty() && lane.waiting.front().due <= now) {
    if (lane.free > now || !Deliver(pair, lane, now)) return;
  }
}

// False: the other end takes nothing now.
bool FaultProxy::Deliver(Pair& pair, Lane& lane, Instant now) {
  std::string& bytes = lane.waiting.front().bytes;
  const ssize_t put = ::send(lane.to, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (put < 0 && (errno == EAGAIN || errno == EINTR)) return false;
  if (put < 0) {
    Close(pair, /*reset=*/false);
    return false;
  }
  pair.bytes += put;
  bytes_ += put;
  lane.waiting_bytes -= static_cast<std::size_t>(put);
  bytes.erase(0, static_cast<std::size_t>(put));
  if (bytes.empty()) lane.waiting.pop_front();
  if (const std::int64_t rate = rate_; rate > 0) {
    lane.free = std::max(lane.free, now) + Duration{put * 1'000'000'000 / rate};
  }
  if (reset_after_ > 0 && pair.bytes > reset_after_) Close(pair, /*reset=*/true);
  return true;
}

void FaultProxy::Work() {
  const SystemClock clock;
  while (!stop_) {
    std::vector<pollfd> fds{{listener_, POLLIN, 0}};
    bool waiting = false;
    for (const Pair& pair : pairs_) {
      waiting |= !pair.up.waiting.empty() || !pair.down.waiting.empty();
      if (frozen_) continue;
      fds.push_back({pair.up.from, POLLIN, 0});
      fds.push_back({pair.down.from, POLLIN, 0});
    }
    ::poll(fds.data(), fds.size(), waiting ? kSliceMs : 20);
    if (fds[0].revents != 0) Accept();
    for (Pair& pair : pairs_) {
      if (pair.resets != resets_) Close(pair, /*reset=*/true);
      if (pair.over || frozen_) continue;
      Move(pair, pair.up, clock.Now(), drop_up_);
      Move(pair, pair.down, clock.Now(), drop_down_);
    }
    pairs_.remove_if([](const Pair& pair) { return pair.over; });
  }
}

}  // namespace dml::ssh

#include "runners/ssh/ordered_agent.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <sstream>
#include <utility>

#include "base/files.h"

namespace dml::ssh {

namespace {

constexpr char kListIdentities = 11;    // SSH_AGENTC_REQUEST_IDENTITIES
constexpr char kIdentitiesAnswer = 12;  // SSH_AGENT_IDENTITIES_ANSWER
constexpr std::size_t kAgentMessageMax = 256U << 10;
constexpr std::size_t kPublicFileMax = 64U << 10;

std::string BigEndian(std::size_t number) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(number >> shift & 0xff);
  return bytes;
}

// Takes a number off the front; nothing if there is none.
std::optional<std::size_t> TakeCount(std::string_view& bytes) {
  if (bytes.size() < 4) return std::nullopt;
  std::size_t number = 0;
  for (int i = 0; i < 4; ++i) {
    number = number << 8 | static_cast<unsigned char>(bytes[static_cast<std::size_t>(i)]);
  }
  bytes.remove_prefix(4);
  return number;
}

std::optional<std::string_view> TakeText(std::string_view& bytes) {
  const auto size = TakeCount(bytes);
  if (!size || *size > bytes.size()) return std::nullopt;
  const std::string_view text = bytes.substr(0, *size);
  bytes.remove_prefix(*size);
  return text;
}

struct AgentKey {
  std::string_view key;
  std::string_view comment;
};

// Nothing if it is no list of keys.
std::optional<std::vector<AgentKey>> ReadKeys(std::string_view answer) {
  if (answer.empty() || answer.front() != kIdentitiesAnswer) return std::nullopt;
  answer.remove_prefix(1);
  const auto count = TakeCount(answer);
  if (!count) return std::nullopt;
  std::vector<AgentKey> keys;
  for (std::size_t i = 0; i < *count; ++i) {
    const auto key = TakeText(answer);
    const auto comment = key ? TakeText(answer) : std::nullopt;
    if (!comment) return std::nullopt;
    keys.push_back({*key, *comment});
  }
  return keys;
}

bool ReadExactly(int fd, std::string& bytes, std::size_t size) {
  bytes.resize(size);
  for (std::size_t at = 0; at < size;) {
    const ssize_t got = ::read(fd, bytes.data() + at, size - at);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    at += static_cast<std::size_t>(got);
  }
  return true;
}

bool ReadMessage(int fd, std::string& message) {
  std::string head;
  if (!ReadExactly(fd, head, 4)) return false;
  std::string_view rest = head;
  const std::size_t size = *TakeCount(rest);
  return size <= kAgentMessageMax && ReadExactly(fd, message, size);
}

bool SendMessage(int fd, const std::string& message) {
  const std::string framed = BigEndian(message.size()) + message;
  for (std::size_t at = 0; at < framed.size();) {
    const ssize_t sent = ::send(fd, framed.data() + at, framed.size() - at, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    at += static_cast<std::size_t>(sent);
  }
  return true;
}

int ConnectToAgent() {
  const char* path = std::getenv("SSH_AUTH_SOCK");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path == nullptr || *path == '\0' || std::strlen(path) >= sizeof address.sun_path) return -1;
  std::strncpy(address.sun_path, path, sizeof address.sun_path - 1);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  // One that is stopped takes no more connections after a while.
  const timeval wait{kAgentListMax.ns / 1'000'000'000, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return fd;
  ::close(fd);
  return -1;
}

}  // namespace

std::string InOrder(std::string_view answer, const std::vector<std::string>& wanted) {
  auto keys = ReadKeys(answer);
  if (!keys) return std::string(answer);
  const auto rank = [&](const AgentKey& one) { return std::ranges::find(wanted, one.key); };
  std::ranges::stable_sort(*keys, {}, rank);
  std::string out = kIdentitiesAnswer + BigEndian(keys->size());
  for (const AgentKey& one : *keys) {
    out += BigEndian(one.key.size());
    out += one.key;
    out += BigEndian(one.comment.size());
    out += one.comment;
  }
  return out;
}

std::vector<std::string> NamesIn(std::string_view answer) {
  std::vector<std::string> names;
  const auto keys = ReadKeys(answer);
  if (!keys) return names;
  for (const AgentKey& one : *keys) names.emplace_back(one.comment);
  return names;
}

std::string PublicKeyOf(std::string_view line) {
  std::istringstream words{std::string(line)};
  std::string type;
  std::string base64;
  words >> type >> base64;
  constexpr std::string_view kSigns =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string key;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : base64.substr(0, base64.find('='))) {
    const std::size_t value = kSigns.find(c);
    if (value == std::string_view::npos) return "";
    bits = bits << 6U | static_cast<std::uint32_t>(value);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    key += static_cast<char>(bits >> static_cast<unsigned>(count) & 0xffU);
  }
  // A key begins with its type: other texts are made of such signs, too.
  const bool whole = key.starts_with(BigEndian(type.size()) + type);
  return whole ? key : "";
}

std::unique_ptr<OrderedAgent> OrderedAgent::Reach(const std::vector<std::string>& identity_files,
                                                  Duration patience) {
  std::vector<std::string> wanted;
  for (const std::string& file : identity_files) {
    // Some name the public half, where only the agent has the private one.
    for (const std::string& path : {file + ".pub", file}) {
      const auto text = ReadFileUpTo(path, kPublicFileMax);
      std::string key = text.ok() ? PublicKeyOf(*text) : "";
      if (!key.empty()) wanted.push_back(std::move(key));
    }
  }
  const int agent = ConnectToAgent();
  int ends[2];
  if (agent < 0) return nullptr;
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    ::close(agent);
    return nullptr;
  }
  return std::unique_ptr<OrderedAgent>(
      new OrderedAgent(ends[0], ends[1], agent, std::move(wanted), patience));
}

OrderedAgent::OrderedAgent(int ours, int theirs, int agent, std::vector<std::string> wanted,
                           Duration patience)
    : ours_(ours),
      agent_(agent),
      theirs_(theirs),
      wanted_(std::move(wanted)),
      patience_(patience),
      thread_([this] { Work(); }) {}

// An agent may be waiting for somebody to confirm a key: nobody waits for that.
OrderedAgent::~OrderedAgent() {
  ::shutdown(ours_.get(), SHUT_RDWR);
  ::shutdown(agent_.get(), SHUT_RDWR);
  if (theirs_ >= 0) ::close(theirs_);
}

std::vector<std::string> OrderedAgent::keys() const {
  const std::lock_guard lock(mutex_);
  return keys_;
}

void OrderedAgent::Work() {
  std::string message;
  while (ReadMessage(ours_.get(), message) && AskAgent(message)) {
    message = InOrder(message, wanted_);
    if (auto names = NamesIn(message); !names.empty()) {
      const std::lock_guard lock(mutex_);
      keys_ = std::move(names);
    }
    if (!SendMessage(ours_.get(), message)) break;
  }
  // Whoever waits at the other end, which would be for ever, hears that nothing more comes.
  ::shutdown(ours_.get(), SHUT_RDWR);
}

// Makes of a question its answer; false if there is none in time.
bool OrderedAgent::AskAgent(std::string& message) {
  const bool lists = !message.empty() && message.front() == kListIdentities;
  const Duration limit = lists ? std::min(kAgentListMax, patience_) : patience_;
  const auto us = static_cast<long>(std::max<std::int64_t>(1, limit.ns / 1000));
  const timeval wait{us / 1'000'000, us % 1'000'000};
  ::setsockopt(agent_.get(), SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
  ::setsockopt(agent_.get(), SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
  errno = 0;
  if (SendMessage(agent_.get(), message) && ReadMessage(agent_.get(), message)) return true;
  if (errno == EAGAIN) silent_ = true;
  return false;
}

}  // namespace dml::ssh

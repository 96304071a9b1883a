#pragma once

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/file_descriptor.h"
#include "runners/api/frame.h"
#include "runners/node/wire.h"
#include "runners/ssh/ssh_runner.h"

namespace dml::ssh {

// A node of which every word is chosen: the far end of a connection without SSH.
class ScriptedNode {
 public:
  // What an agent says that has nothing.
  static node::Attached Greeting(const std::string& host, int pid) {
    node::Attached attached;
    attached.agent_pid = pid;
    attached.boot = "boot-of-" + host;
    attached.host = host;
    attached.cpus = 2;
    attached.memory_bytes = 1 << 30;
    attached.lease = Duration::Seconds(60);
    return attached;
  }

  // Takes the place of an SSH connection: it is up at once, and `first` is said on it.
  std::unique_ptr<NodeLink> Link(std::function<void(LinkEvent)> report, const std::string& first) {
    report_ = std::move(report);
    ComeUp(first);
    return std::make_unique<Silent>();
  }
  void ComeUp(const std::string& first) {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) std::abort();
    far_ = FileDescriptor(ends[1]);
    decoder_ = runners::FrameDecoder();
    Say(first);
    report_(LinkUp{ends[0]});
  }
  void GoDown() { report_(LinkDown{Error::Environment("the cable was pulled"), false, false}); }

  // All of it, whatever the head says meanwhile; false if the head hears no more.
  bool Say(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent =
          ::send(far_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent > 0) bytes.remove_prefix(static_cast<std::size_t>(sent));
      if (sent < 0 && errno != EAGAIN && errno != EINTR) return false;
      if (sent < 0 && !Take(10)) return false;
    }
    return true;
  }
  bool Say(runners::FrameType type, const std::string& payload) {
    std::string frame;
    runners::AppendFrame(type, payload, frame);
    return Say(frame);
  }
  // The next word of that kind; nothing if there is none before the connection ends, or for long.
  std::optional<runners::Frame> Hear(runners::FrameType type) {
    while (true) {
      auto frame = decoder_.Next();
      if (!frame.ok()) return std::nullopt;
      if (*frame && (*frame)->type == type) return std::move(**frame);
      if (!*frame && !Take(kPatienceMs)) return std::nullopt;
    }
  }
  // Has nothing more to say, and waits until the head has heard all of it.
  void Close() {
    ::shutdown(far_.get(), SHUT_WR);
    while (Take(kPatienceMs)) {
    }
  }

 private:
  static constexpr int kPatienceMs = 30'000;
  class Silent final : public NodeLink {
   public:
    void Stop() override {}
  };

  // Some bytes of the head, if any come in time. False: it has closed the connection.
  bool Take(int ms) {
    pollfd waits{far_.get(), POLLIN, 0};
    if (::poll(&waits, 1, ms) == 0) return ms < kPatienceMs;
    char block[4096];
    const ssize_t got = ::recv(far_.get(), block, sizeof block, MSG_DONTWAIT);
    if (got > 0) decoder_.Feed(std::string_view(block, static_cast<std::size_t>(got)));
    return got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
  }

  std::function<void(LinkEvent)> report_;
  FileDescriptor far_;
  runners::FrameDecoder decoder_;
};

}  // namespace dml::ssh

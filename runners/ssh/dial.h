#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "runners/ssh/host.h"

namespace dml::ssh {

// Unacknowledged bytes for this long mean that the connection is dead.
inline constexpr Duration kUserTimeout = Duration::Seconds(20);

// Whether a name that getaddrinfo() did not find, for the reason `status`, will not be found a
// moment later either.
[[nodiscard]] bool IsForGood(int status);

// A byte stream to the SSH server of a host: a TCP connection, a jump host's, or
// that of a ProxyCommand.
class Line {
 public:
  Line() = default;
  Line(Line&& other) noexcept;
  Line& operator=(Line&& other) noexcept;
  ~Line();  // closes, and ends the jump

  [[nodiscard]] int fd() const { return fd_; }
  // Gives up the descriptor: somebody else closes it.
  int Release();
  // What the jump has said on its standard error; waits a second for its end.
  [[nodiscard]] std::string Complaint() const;

  // Every address of the host is tried until `deadline`; close-on-exec, no delay, keep-alive and
  // user timeout. kEnvironment names what failed for each address; kInvalid if it has none.
  // `give_up`, if any, is looked at while waiting.
  static Result<Line> Dial(const Host& host, Instant deadline,
                           const std::atomic<bool>* give_up = nullptr);

 private:
  static Result<Line> Jump(const Host& host);
  static Result<Line> Through(const std::vector<std::string>& argv);

  int fd_ = -1;
  int jump_pid_ = 0;
  int jump_err_fd_ = -1;
};

}  // namespace dml::ssh

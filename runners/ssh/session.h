#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "runners/ssh/dial.h"
#include "runners/ssh/host.h"
#include "runners/ssh/host_keys.h"

namespace dml::ssh {

// What a connection failed at, as `dml cluster check` says it. Only what fails at kReach may work a
// moment later: the others are for people to mend.
enum class Stage {
  kAddress,   // nobody has such a name
  kReach,     // nobody answers there, or a server turns us away
  kProtocol,  // there is no way to talk that both know
  kHostKey,
  kAuth,
  kReady,
};

struct ConnectOptions {
  Duration timeout = Duration::Seconds(10);
  // Asked about a key that no file knows; true trusts it and writes it down. Absent: refuse. A
  // changed or revoked key is refused without asking.
  std::function<bool(const Host& host, const HostKey& key)> accept_unknown = {};
  const std::atomic<bool>* give_up = nullptr;  // looked at while the connection is made
};

// One authenticated connection, used by one thread at a time. The only user of libssh.
class SshSession {
 public:
  static constexpr std::size_t kErrorBytesMax = 8192;

  // Tries again for half of the time if the server turns it away. `reached` is set in any case.
  static Result<std::unique_ptr<SshSession>> Open(const Host& host, const ConnectOptions& options,
                                                  Stage& reached);
  ~SshSession();
  SshSession(const SshSession&) = delete;
  SshSession& operator=(const SshSession&) = delete;

  // Starts a command in the login shell of the user there, on the one channel of this session; what
  // ran on it before is over. `said_max`: what is kept of its standard error.
  Result<void> Exec(const std::string& command, std::size_t said_max = kErrorBytesMax);
  // What the command wrote: at least a byte, within `wait`, else an empty text. The end of the
  // stream is kEnvironment and quotes what the command said on its standard error.
  Result<std::string> Read(std::size_t bytes_max, Duration wait);
  // All of it, waiting for windows; kEnvironment when the connection breaks or `limit` passes.
  Result<void> Write(std::string_view bytes, Duration limit);
  // Ends the input of the command.
  void CloseInput();
  // Carries bytes between the channel and `fd` until either ends; why it ended. `tick` is called
  // about every second; false ends it.
  Error Carry(int fd, const std::function<bool()>& tick);

  // What came on standard error, as far as it is kept.
  [[nodiscard]] const std::string& said() const { return said_; }
  // The exit status of the command once its output has ended, within `wait`; -1 if it has none:
  // killed by a signal, or the connection broke.
  [[nodiscard]] int ExitStatus(Duration wait);
  // Of a command without a status: the signal that ended it, such as "KILL"; else empty.
  [[nodiscard]] const std::string& signal() const;
  [[nodiscard]] const HostKey& host_key() const { return host_key_; }
  [[nodiscard]] std::string cipher() const;
  // As the kernel measured it for the connection; 0 through a jump host.
  [[nodiscard]] Duration RoundTrip() const;

 private:
  struct Handles;
  SshSession();
  static Result<std::unique_ptr<SshSession>> OpenOnce(const Host& host,
                                                      const ConnectOptions& options, Stage& reached,
                                                      bool& turned_away);
  Result<void> Configure(const Host& host, Duration timeout);
  Result<void> VerifyHostKey(const Host& host, const ConnectOptions& options);
  Result<void> ReadHostKey();
  Result<void> Authenticate(const Host& host, Duration patience);
  void DrainErrors();
  [[nodiscard]] Error Broken();
  [[nodiscard]] Error OpensNone() const;

  std::unique_ptr<Handles> handles_;
  Line line_;
  HostKey host_key_;
  std::string said_;
  std::size_t said_max_ = kErrorBytesMax;
};

}  // namespace dml::ssh

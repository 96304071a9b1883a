#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <variant>

#include "base/clock.h"
#include "base/result.h"
#include "runners/ssh/host.h"
#include "runners/ssh/session.h"

namespace dml::ssh {

// What runs on the nodes: the program that `dml cluster setup` copies, named by its content.
struct WorkerProgram {
  std::string path;  // on this machine
  std::string sha256;
};

// Beside this program, or where $DML_WORKER says.
Result<WorkerProgram> FindWorkerProgram();
// "<workdir>/bin/dml-worker-<12 digits>": where it is on a node.
[[nodiscard]] std::string RemoteWorkerPath(const Host& host, const WorkerProgram& worker);

// What starts the bridge there; also what a restricted key has to be allowed.
[[nodiscard]] std::string BridgeCommand(const Host& host, const WorkerProgram& worker);

// A login shell said something else than the worker program would have. `late`: it goes on.
[[nodiscard]] Error NoAnswer(const std::string& said, bool late);

// Starts the bridge to the agent of a node on a fresh session and waits for its first words; what a
// login shell printed before them is skipped. kEnvironment quotes it if the words never come.
Result<void> StartBridge(SshSession& session, const Host& host, const WorkerProgram& worker,
                         Duration limit);

// The connection has come up: a socket to the agent, owned by the receiver.
struct LinkUp {
  int fd = -1;
};
// It went down, or could not come up. `final`: nobody will try again. `refused`: something answers
// there, but it is not to be talked to, or it does not talk to us.
struct LinkDown {
  Error error;
  bool final = false;
  bool refused = false;
};
using LinkEvent = std::variant<LinkUp, LinkDown>;

// A connection on which nothing was heard for this long is given up, and made anew.
inline constexpr Duration kSilenceMax = Duration::Seconds(20);

struct LinkOptions {
  Duration connect_timeout = Duration::Seconds(10);
  Duration bridge_timeout = Duration::Seconds(20);
  Duration backoff = Duration::Millis(500);  // doubled up to backoff_max, times [0.5, 1)
  Duration backoff_max = Duration::Seconds(30);
  Duration silence = kSilenceMax;
};

// What keeps a node connected, and reports when the connection comes and goes, until it is gone.
class NodeLink {
 public:
  virtual ~NodeLink() = default;
  // Soon no more is reported. The destructor waits for that.
  virtual void Stop() = 0;
};

// Keeps a node connected: one thread that owns the session, carries bytes, and connects again with
// growing pauses when it breaks. Until the first success, an error that time does not heal (a wrong
// key, no worker there) is final.
class BridgeLink final : public NodeLink {
 public:
  // `report` is called from the thread.
  BridgeLink(Host host, WorkerProgram worker, LinkOptions options,
             std::function<void(LinkEvent)> report);
  ~BridgeLink() override;  // stops and joins
  BridgeLink(const BridgeLink&) = delete;
  BridgeLink& operator=(const BridgeLink&) = delete;

  void Stop() override;
  // Nothing more comes, and nobody waits for its end.
  [[nodiscard]] bool over() const { return over_; }

 private:
  void Work();
  void KeepConnected();
  Result<void> ConnectAndCarry(bool& came_up, bool& heals);
  void Pause(int failures);

  const Host host_;
  const WorkerProgram worker_;
  const LinkOptions options_;
  const std::function<void(LinkEvent)> report_;
  std::atomic<bool> stop_{false};
  std::atomic<bool> over_{false};
  std::mutex mutex_;
  std::condition_variable stopped_;
  std::jthread thread_;
};

}  // namespace dml::ssh

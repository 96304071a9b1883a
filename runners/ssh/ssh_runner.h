#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <variant>
#include <vector>

#include "runners/api/runner.h"
#include "runners/ssh/bridge_link.h"
#include "runners/ssh/host.h"

namespace dml::ssh {

// After the lease, what the head waits more, so that the node has surely let go first: of the time
// that a node may take to find a connection dead, and of its clock.
inline constexpr Duration kLeaseMargin = Duration::Seconds(60);

// A node whose disk was full gets attempts again after so long; each further time in a row after
// twice as long as the last, up to a limit.
inline constexpr Duration kFullPause = Duration::Seconds(30);
inline constexpr Duration kFullPauseMax = Duration::Seconds(600);

// How a node is connected; `report` is called from any thread.
using LinkMaker = std::function<std::unique_ptr<NodeLink>(
    const Host& host, const WorkerProgram& worker, const LinkOptions& options,
    std::function<void(LinkEvent)> report)>;
// By SSH.
std::unique_ptr<NodeLink> MakeBridgeLink(const Host& host, const WorkerProgram& worker,
                                         const LinkOptions& options,
                                         std::function<void(LinkEvent)> report);

struct ClusterOptions {
  Cluster cluster;
  WorkerProgram worker;
  std::string client;  // names this home on the nodes, [a-z0-9-]
  double jobs = 0;     // cores to use in all; 0: all that the nodes offer
  // The folder of the state of this machine, where it notes what it learns of the nodes and why
  // attempts wait; empty: nowhere.
  std::string home = {};
  LinkOptions link = {};
  LinkMaker link_to = MakeBridgeLink;
  Duration lease_margin = kLeaseMargin;
  Duration full_pause = kFullPause;
  // Whether a run of this home has ended for good: what nodes still keep of it is let go. Called
  // from a thread of the runner.
  std::function<bool(RunId)> over = [](RunId) { return false; };
  // Tells people about nodes that come and go. Called from a thread of the runner.
  std::function<void(const std::string&)> notice = [](const std::string&) {};
};

// How a node stands, for tables and for tests.
struct NodeView {
  std::string name;
  bool connected = false;
  std::string verdict;  // "ready", or why it is not used
  double slots = 0;     // cores
  std::int64_t attempts = 0;
  bool shared = false;  // its shared_dir is this machine's
  // Of blobs that came by the wire, as they are when they are not packed.
  std::int64_t bytes_sent = 0;
  std::int64_t bytes_received = 0;
};

// Attempts on the nodes of a cluster. Inputs go there by digest, each once; outputs and logs come
// back before an attempt is reported as ended, so that the head's store is always complete. A node
// whose connection is lost goes on working: its attempts are taken up when it is back, within the
// lease. All state belongs to one thread; connections have a thread each.
class SshRunner final : public runners::Runner, public runners::RemoteFiles {
 public:
  // Connects to every node and waits for a verdict on each, for as long as the time limits say.
  // kEnvironment if no node can be used, with the reason of each.
  static Result<std::unique_ptr<SshRunner>> Connect(ClusterOptions options,
                                                    runners::EventSink& sink);
  ~SshRunner() override;

  [[nodiscard]] runners::Capacity Total() const override;
  Result<void> Launch(std::vector<runners::LaunchSpec> batch) override;
  void Kill(runners::AttemptKey key, runners::KillMode mode) override;
  // What the nodes said when they were connected. Running also means: ended, and its outcome comes.
  [[nodiscard]] Result<runners::AttemptStatus> Find(runners::AttemptKey key) override;
  void Release(runners::AttemptKey key) override;
  [[nodiscard]] runners::RemoteFiles* Files() override { return this; }
  void Look(runners::LookRequest request) override;
  void Shutdown() override;

  [[nodiscard]] std::vector<NodeView> Nodes() const;

 private:
  class Loop;
  explicit SshRunner(std::unique_ptr<Loop> loop);
  std::unique_ptr<Loop> loop_;
};

}  // namespace dml::ssh

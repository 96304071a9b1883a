#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "runners/node/wire.h"
#include "runners/ssh/node_port.h"
#include "runners/ssh/node_speeds.h"
#include "runners/ssh/placement.h"
#include "runners/ssh/placement_notes.h"
#include "runners/ssh/shared_copier.h"
#include "runners/ssh/side_lanes.h"
#include "runners/ssh/ssh_runner.h"

namespace dml::ssh {

// Three different tasks that a node fails in a row: it is not used any more.
inline constexpr int kStrikesMax = 3;
// Failures to connect at the beginning after which a run goes on without a node.
inline constexpr int kFirstTriesMax = 3;
// A node that lost inputs is sent them again so many times per attempt.
inline constexpr int kRestagesMax = 3;
// An agent of another version of dml is asked to make room so many times.
inline constexpr int kReplacementsMax = 8;
// Somebody drains a node by hand: what changes more often than this on one connection does not.
inline constexpr int kDrainChangesMax = 1000;
// A node that claims a longer lease than an inventory can give is not believed.
inline constexpr Duration kLeaseMax = Duration::Seconds(30 * 86400);
static_assert(kLeaseMargin >= node::kHeadSilenceMax);

// The one thread of an SshRunner: placement, staging, launching, collecting, and what happens when
// nodes come and go.
class SshRunner::Loop {
 public:
  Loop(ClusterOptions options, runners::EventSink& sink);
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // From any thread.
  Result<void> AwaitNodes();
  [[nodiscard]] runners::Capacity Total() const;
  void Launch(std::vector<runners::LaunchSpec> batch);
  void Kill(const runners::AttemptKey& key, runners::KillMode mode);
  [[nodiscard]] runners::AttemptStatus Find(const runners::AttemptKey& key) const;
  void Release(const runners::AttemptKey& key);
  void Look(runners::LookRequest request);
  void Shutdown();
  [[nodiscard]] std::vector<NodeView> Nodes() const;

 private:
  using Key = runners::AttemptKey;
  enum class Phase {
    kPending,   // no node yet
    kStaging,   // its inputs are on their way
    kLaunched,  // the node has it
    kFetching,  // it has ended; its outputs are on their way
    kReported,  // its end was told; the node keeps it until it is released
  };
  struct Attempt {
    runners::LaunchSpec spec;
    Phase phase = Phase::kPending;
    std::size_t node = 0;
    std::set<Digest> awaited = {};        // inputs on their way
    std::set<std::string> fetching = {};  // files on their way
    std::optional<node::Finished> finished = {};
    std::optional<runners::KillMode> killed = {};
    int restages = 0;
    bool holds_slots = false;
  };
  struct Node {
    Host host;
    NodePort port;
    std::unique_ptr<NodeLink> link;
    std::unique_ptr<SideLanes> lanes;
    bool greeted = false;   // on this connection
    int drain_changes = 0;  // that it has told on this connection
    bool attached = false;
    bool settled = false;               // a first verdict is there
    bool gone = false;                  // nobody tries any more
    std::string refused;                // why it is not used although it is connected
    std::optional<Instant> full_until;  // then it is used again: it was refused for a full disk
    Duration full_pause{0};             // the last of them, until an attempt has gone well there
    std::string drained;                // why it gets nothing new, for a person said so
    bool shared = false;                // it sees the shared_dir of this machine
    std::string trouble;                // why it is not connected
    std::string told;                   // of that, to people
    bool damage_told = false;           // that pieces of blobs arrived damaged
    std::string boot;
    int agent_pid = 0;
    std::string agent_host;
    Duration lease{0};  // that its agent keeps, which somebody else may have started
    NodeLoad load;
    double cpus = 0;  // what the agent offers
    std::set<Key> attempts = {};
    std::map<Digest, std::set<Key>> waiters = {};
    Instant down_since{0};
    std::string patience_ends;  // by the clock on the wall, for people
    int failures = 0;           // to connect for the first time
    int replacements = 0;       // of its agent by one of this version
    std::vector<Key> releases = {};
    std::vector<std::pair<Key, std::string>> claims = {};  // to what was given to others, and whom
    bool claims_told = false;
    std::set<TaskId> strikes = {};
    std::set<std::pair<RunId, TaskId>> failed = {};  // for reasons of the node
  };
  struct LaunchAsked {
    std::vector<runners::LaunchSpec> batch;
  };
  struct KillAsked {
    Key key;
    runners::KillMode mode;
  };
  struct ReleaseAsked {
    Key key;
  };
  struct LookAsked {
    runners::LookRequest request;
  };
  // Asked, and not answered.
  struct PendingLook {
    runners::LookRequest request;
    std::size_t node = 0;
  };
  struct LinkReport {
    std::size_t node;
    LinkEvent event;
  };
  struct CopyEnded {
    SharedCopier::Copy copy;
    bool there = false;
  };
  using Request =
      std::variant<LaunchAsked, KillAsked, ReleaseAsked, LookAsked, LinkReport, CopyEnded>;

  void Post(Request request);
  void Work();
  void PollOnce();
  void TakeRequests();
  void Do(LaunchAsked& asked);
  void Do(KillAsked& asked);
  void Do(ReleaseAsked& asked);
  void Do(LookAsked& asked);
  void Do(LinkReport& report);
  void Do(CopyEnded& ended);

  void TakeUp(const Key& key, std::size_t node);
  void LeaveTokens();
  bool Offer(Node& node, const ArtifactFile& file);
  bool CopyThere(const Node& node, const ArtifactFile& file);
  bool TakeShared(const Node& node, const ArtifactFile& file, const std::string& target);
  void StandBack(std::size_t node);
  void UpdateUse(Node& node);
  void Learn(const Attempt& attempt, const runners::AttemptExited& exited);
  void NoteWaits();
  void SendLook(std::uint64_t id, const PendingLook& look);
  void SendLooks(std::size_t node);
  void HandleLooked(std::size_t node, node::Looked looked);
  void GiveUpLooks();
  void NoteLooks(std::map<Key, std::string>& waits) const;
  void Place();
  bool PlaceOne(const Key& key);
  [[nodiscard]] bool Avoids(const Node& node, const Key& key, const Need& need) const;
  [[nodiscard]] std::optional<Error> WhyNowhere(const Need& need) const;
  [[nodiscard]] Need NeedOf(const runners::LaunchSpec& spec) const;
  [[nodiscard]] std::int64_t MissingBytes(const Node& node, const runners::LaunchSpec& spec) const;
  void Assign(const Key& key, std::size_t node);
  void Stage(const Key& key);
  void SendLaunch(const Key& key);
  void Unassign(const Key& key);

  void Handle(std::size_t node, const runners::Frame& frame);
  void HandleAttached(std::size_t node, const node::Attached& attached);
  std::set<Key> Compare(std::size_t node, const node::Attached& attached);
  [[nodiscard]] std::optional<std::size_t> WhoIsKnownToHave(const Key& key) const;
  [[nodiscard]] static bool IsSameAgent(const Node& a, const Node& b);
  [[nodiscard]] const Node* TwinOf(const Node& node) const;
  void LetGoOfOlder(const Key& key);
  void RefuseClaims(RunId run);
  void ReplaceAgent(std::size_t node, const node::Attached& attached);
  void HandleFinished(std::size_t node, node::Finished finished);
  bool HandleDrain(std::size_t node, const std::string& reason);
  bool HandleReport(std::size_t node, const runners::Frame& frame);
  void HandleLost(std::size_t node, const node::Lost& lost);
  void HandleLog(std::size_t node, const node::LogPiece& piece);
  [[nodiscard]] bool Runs(std::size_t node, const Key& key) const;
  void TakeTransfers(std::size_t node);
  void Uploaded(std::size_t node, const Uploads::Done& done);
  void Fetched(std::size_t node, const Downloads::Done& done);
  void Report(const Key& key);
  void Lose(const Key& key, Error error);
  void EndKilled(const Key& key);
  void Forget(const Key& key);
  void RefuseIfFull(std::size_t node, const Error& error);
  void TryFullAgain();
  void Strike(std::size_t node, const Key& key, const std::string& why);

  void NodeDown(std::size_t node, const std::string& why, bool final);
  [[nodiscard]] Duration PatienceWith(const Node& node) const;
  [[nodiscard]] bool GivenUp(const Node& node) const;
  [[nodiscard]] std::string TimeIn(Duration left) const;
  void TellIfLeftOut(const Node& node);
  void TellIfAlone(const Node& lost);
  void CheckLeases();
  void Settle(std::size_t node);
  void Publish();

  const ClusterOptions options_;
  runners::EventSink& sink_;
  const SystemClock clock_;
  int wake_fd_;

  mutable std::mutex mutex_;  // guards these
  std::condition_variable settled_;
  std::vector<Request> requests_;
  bool stopping_ = false;
  std::vector<NodeView> views_;
  std::map<Key, std::pair<std::size_t, node::KnownAttempt>> known_;  // of earlier processes
  std::size_t unsettled_ = 0;
  runners::Capacity total_;
  bool total_fixed_ = false;

  // The thread's own.
  std::vector<std::unique_ptr<Node>> nodes_;
  std::map<Key, Attempt> attempts_;
  std::deque<Key> pending_;
  std::map<std::uint64_t, PendingLook> looks_;
  std::uint64_t looks_asked_ = 0;
  std::map<std::string, Key> by_target_;  // files on their way -> whose
  std::set<RunId> runs_;                  // that this process drives
  NodeSpeeds speeds_;
  std::map<Key, std::string> waits_;  // why those wait that fit nowhere now
  PlacementNotes notes_;
  Instant noted_{0};
  std::string token_;                                 // that is in every shared_dir
  std::set<std::string> tokens_;                      // the folders where it is
  std::set<std::pair<std::string, Digest>> offered_;  // blobs in a shared_dir
  std::set<std::pair<std::string, Digest>> copying_;  // to a shared_dir
  std::unique_ptr<SharedCopier> copier_;
  std::jthread thread_;
};

}  // namespace dml::ssh

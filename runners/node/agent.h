#pragma once

#include <atomic>
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
#include "base/process.h"
#include "runners/agent/worker_pool.h"
#include "runners/node/attempt_paths.h"
#include "runners/node/blob_cache.h"
#include "runners/node/collector.h"
#include "runners/node/file_looker.h"
#include "runners/node/journal.h"
#include "runners/node/login_script.h"
#include "runners/node/record_book.h"
#include "runners/node/session.h"
#include "runners/node/upkeep.h"
#include "runners/node/wire.h"

namespace dml::node {

struct AgentOptions {
  std::string root;                      // the node's folder, absolute
  std::vector<std::string> worker_argv;  // how to start a worker
  std::string program;                   // dml-worker, for the environment of login scripts
  double cpus = 1;
  int tasks = 0;  // at once; 0: as many as the cores allow
  std::int64_t memory_bytes = 0;
  // Attempts live this long after the last word of their head, and until its connection is given
  // up, which is when nothing was heard on it for `silence`.
  Duration lease = Duration::Seconds(30 * 60);
  Duration silence = kHeadSilenceMax;
  Duration keep = kEndedMax;                // and what they ended with is kept this long
  Duration idle = Duration::Seconds(3600);  // an agent that nobody needs ends after this
  std::string files_from = LoginHome();     // where relative names of its files start
};

// The resident process of one node: owns the workers, the blobs and the attempts of every head that
// uses the node, and outlives all of them. Attempts outlive it: workers finish what they run and
// leave a record, which the next agent takes up. Everything but the workers' pool and the hashing
// of outputs and of files of the node happens in one thread, in Serve().
class Agent final : public runners::EventSink {
 public:
  static Result<std::unique_ptr<Agent>> Open(AgentOptions options);
  ~Agent() override;

  // Until Stop(), until a head asks it to stop, or until it was idle for long.
  void Serve();
  void Stop();  // async-signal-safe

  // From the pool.
  void Post(runners::RunnerEvent event) override;

 private:
  using Key = runners::AttemptKey;  // with a run number of the agent's own
  struct Client {
    std::string name;
    Instant seen{0};              // when it was last heard
    std::map<RunId, RunId> runs;  // its number -> ours
  };
  struct Attempt {
    std::string client;
    Key theirs;
    AttemptPaths paths;
    std::vector<PortSpec> outputs;
    std::optional<agent::RecordPlace> place = {};  // of its record, if there is room for one
    std::string title = {};                        // of its task, for people
    std::string shared_dir = {};                   // where its outputs go, too; or empty
    Session* reporter = nullptr;
    std::int64_t log_sent = 0;
    std::optional<std::variant<Finished, Lost>> outcome = {};
    Instant ended{0};
    Duration age{0};          // of its end, when it was taken up
    bool told = false;        // the journal has its end
    bool forget = false;      // its head no longer wants it
    std::uint64_t order = 0;  // of launch
    Instant began{0};         // here, or when it was taken up
    bool is_command = true;
    std::optional<ProcessId> worker = {};  // of an adopted one
    int pidfd = -1;
    int command_pid = 0;
    std::optional<Instant> kill_at = {};
  };
  // What a login script makes of the environment: run when the first head asks for it.
  struct Surroundings {
    std::optional<LoginScript> running = {};
    Variables env = {};
  };
  struct LookEnded {
    std::uint64_t asker = 0;
    Looked looked;
  };
  using Inbound = std::variant<runners::RunnerEvent, Collected, LookEnded>;

  Agent(AgentOptions options, BlobCache blobs);
  Result<void> TakeUpRecords();
  void TakeUp(RecordBook::Entry entry);

  void EndLeftBehind();

  void PollOnce();
  [[nodiscard]] int PollTimeoutMs() const;
  void Accept();
  void TakeInbound();
  void TakeCollected(Collected collected);
  void TakeLooked(const LookEnded& ended);
  void Hear(runners::RunnerEvent event);
  void Ended(const Key& key, runners::AttemptExited exited);
  void Conclude(const Key& key, std::variant<Finished, Lost> outcome);
  void CheckAdopted(const Key& key);

  void Handle(Session& session, const runners::Frame& frame);
  void HandleAttach(Session& session, const Attach& attach);
  void StartScript(const Attach& attach);
  void CheckScripts();
  void FinishAttach(Session& session, const std::string& trouble);
  void CheckDrain();
  void Note(const Attempt& attempt, const std::string& what);
  void HandleLaunch(Session& session, runners::LaunchSpec spec);
  void HandleAdopt(Session& session, const Adopt& adopt);
  void HandleKill(const Session& session, const runners::KillRequest& request);
  void HandleRelease(const Session& session, const std::vector<Key>& keys);
  void HandleStop(const Session& session);
  void Kill(const Key& key, runners::KillMode mode);
  [[nodiscard]] std::optional<agent::AttemptRecord> RecordOf(const Attempt& attempt) const;
  void DropRecord(const Attempt& attempt);
  void Remove(const Attempt& attempt);
  void Forget(const Key& key);

  void SendLogs();
  void SendLog(Attempt& attempt);
  void SendReports(Session& session);
  void DropDead();
  void CheckLeases();
  void CheckKillDeadlines();
  void WatchDisk();
  [[nodiscard]] std::optional<Error> WhyDoubtful(const Attempt& attempt,
                                                 const runners::ExitReason& reason) const;
  [[nodiscard]] bool Idle(Instant now);

  RunId OurRun(const std::string& client, RunId theirs);
  Key OurKey(const std::string& client, const Key& theirs);

  const AgentOptions options_;
  const SystemClock clock_;
  BlobCache blobs_;
  int listener_ = -1;
  int wake_fd_;
  std::atomic<bool> stop_{false};

  std::mutex mutex_;
  std::vector<Inbound> inbound_;  // guarded by mutex_

  std::map<std::string, Client> clients_;
  std::map<Key, Attempt> attempts_;
  std::map<std::uint64_t, Key> running_;  // by order of launch
  std::set<Key> adopted_;                 // those with a pidfd
  std::int64_t runs_ = 0;
  std::uint64_t launches_ = 0;
  std::vector<std::unique_ptr<Session>> sessions_;
  std::uint64_t accepted_ = 0;                  // sessions ever
  std::vector<runners::LaunchSpec> launching_;  // of this turn
  Instant needed_{0};                           // when somebody last needed this agent
  Instant logs_sent_{0};
  Instant disk_looked_{0};
  std::optional<Instant> disk_full_;  // when it was last seen so
  bool asked_to_stop_ = false;
  Journal journal_;
  RecordBook records_;
  std::map<std::string, Surroundings> surroundings_;  // by script
  std::string drained_;                               // why no new tasks should begin
  Instant drain_looked_{0};
  // Last: their threads post here until they are gone.
  std::unique_ptr<FileLooker> looker_;
  std::unique_ptr<Collector> collector_;
  std::unique_ptr<agent::WorkerPool> pool_;
};

}  // namespace dml::node

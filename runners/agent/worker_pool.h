#pragma once

#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "runners/agent/out_of_memory.h"
#include "runners/api/frame.h"
#include "runners/api/messages.h"
#include "runners/api/runner.h"

namespace dml::agent {

struct PoolOptions {
  std::vector<std::string> worker_argv;  // how to start a worker; see ServeWorker
  double cpus = 1;                       // what may run at a time, by the attempts' own requests
  std::map<std::string, std::string> worker_env = {};  // added to this process's
  int tasks = 0;  // what may run at a time, whatever it asks for; 0: no such limit
};

// Reusable worker processes and the attempts on them. Attempts beyond the free processors wait in
// line, first come first served, and are handed over a few at a time, so that short tasks do not
// wait for a round trip each; what waits behind a long one is taken back for a worker that is free.
// A worker that dies costs the attempt that it was running; those behind it go to another worker.
// One thread does all input and output; public calls only put requests in line.
class WorkerPool {
 public:
  WorkerPool(PoolOptions options, runners::EventSink& sink);
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // An attempt that is here already is left alone.
  void Launch(std::vector<runners::LaunchSpec> batch);
  void Kill(runners::AttemptKey key, runners::KillMode mode);
  [[nodiscard]] runners::AttemptStatus Find(runners::AttemptKey key);
  // Kills what runs, ends every worker and joins the thread. Idempotent.
  void Shutdown();

 private:
  struct Running {
    runners::LaunchSpec spec;
    Instant front_since{0};           // when it may have started
    std::optional<Instant> deadline;  // from then on
    bool timed_out = false;
    bool kill_asked = false;
    bool recalled = false;
    bool said_started = false;
    int command_pid = 0;
  };
  struct Worker {
    int pid = 0;
    int fd = -1;
    runners::FrameDecoder decoder;
    std::string unsent;
    std::deque<Running> line;  // the front one runs
    bool ended = false;
  };

  void Serve();
  void TakeRequests();
  void Assign();
  void Hand(Worker& worker, runners::LaunchSpec spec);
  void Refuse(const runners::AttemptKey& key);
  [[nodiscard]] double CpusInUse() const;
  [[nodiscard]] bool TasksAreMany() const;
  [[nodiscard]] double FreeCpus() const;
  Worker* WorkerFor(const runners::LaunchSpec& spec);
  Worker* IdleWorker();
  Worker* ShortestLine(const runners::LaunchSpec& spec);
  void BringForward(Worker& worker);
  [[nodiscard]] static bool MayRecall(const Running& waiting, double free);
  void RecallWaiting();
  void Returned(Worker& worker, const runners::AttemptKey& key);
  static std::deque<Running>::iterator FindIn(Worker& worker, const runners::AttemptKey& key);
  void EndUnstarted(const runners::AttemptKey& key);
  [[nodiscard]] static bool OwesStarted(const Running& front);
  void SayStarted();
  void CheckDeadlines();
  void KillNow(runners::AttemptKey key, runners::KillMode mode);
  [[nodiscard]] int PollTimeoutMs() const;
  void PollOnce();
  void ReadFrom(Worker& worker);
  void WriteTo(Worker& worker);
  void Handle(Worker& worker, const runners::Frame& frame);
  void Exited(Worker& worker, runners::AttemptExited exited);
  void Died(Worker& worker);
  void BuryStrays(const std::vector<int>& dead_workers);
  void Forget(const runners::AttemptKey& key);
  void EndAll();

  const PoolOptions options_;
  runners::EventSink& sink_;
  const SystemClock clock_;
  int wake_fd_;

  std::mutex mutex_;  // guards the three below
  std::vector<runners::LaunchSpec> arriving_;
  std::vector<runners::KillRequest> kills_;
  bool stopping_ = false;

  std::mutex known_mutex_;
  std::map<runners::AttemptKey, int> known_;  // attempts here, and the pid of their worker

  // The thread's own.
  OutOfMemoryWatch memory_;
  std::deque<runners::LaunchSpec> backlog_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::jthread thread_;
};

}  // namespace dml::agent

#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "base/ids.h"
#include "base/step_spec.h"
#include "orchestrator/engine/artifact_store.h"
#include "orchestrator/engine/inbox.h"

namespace dml::engine {

struct CommitJob {
  TaskId task;
  AttemptNumber attempt;
  std::string attempt_path;
  std::vector<PortSpec> outputs;
};

// Work on files that would hold up the loop. Answers arrive in the inbox.
class Background {
 public:
  virtual ~Background() = default;
  virtual void Commit(CommitJob job) = 0;                            // answers CommitReport
  virtual void HashFile(std::string path) = 0;                       // answers FileHashed
  virtual void Discard(std::vector<std::string> attempt_paths) = 0;  // no answer
};

// One helper thread, in order. The destructor finishes what was asked for, but for hashes, which
// nobody would hear of.
class BackgroundThread final : public Background {
 public:
  BackgroundThread(const Home& home, Inbox& inbox);
  ~BackgroundThread() override;

  void Commit(CommitJob job) override;
  void HashFile(std::string path) override;
  void Discard(std::vector<std::string> attempt_paths) override;

 private:
  void Add(std::function<void()> job);
  void Work();

  ArtifactStore store_;
  Inbox& inbox_;
  std::stop_source hashing_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> jobs_;  // guarded by mutex_
  bool closing_ = false;                    // guarded by mutex_
  std::jthread thread_;                     // last: the rest exists while it runs
};

}  // namespace dml::engine

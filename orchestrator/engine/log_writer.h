#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

#include "orchestrator/engine/inbox.h"
#include "orchestrator/state/run_store.h"

namespace dml::engine {

// Makes decisions durable while the loop makes the next ones. One batch at a time.
class LogWriter {
 public:
  virtual ~LogWriter() = default;
  // Appends the batch in one transaction, then answers LogWritten. Not again before the answer.
  virtual void Write(RunId run, WallTime now, state::Batch batch) = 0;
};

// One helper thread with a connection to the store of its own, so that the loop can read
// meanwhile. The destructor finishes what was asked for.
class LogWriterThread final : public LogWriter {
 public:
  LogWriterThread(state::RunStore store, Inbox& inbox);
  ~LogWriterThread() override;

  void Write(RunId run, WallTime now, state::Batch batch) override;

 private:
  struct Job {
    RunId run;
    WallTime now;
    state::Batch batch;
  };
  void Work();

  state::RunStore store_;
  Inbox& inbox_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<Job> job_;  // guarded by mutex_
  bool closing_ = false;    // guarded by mutex_
  std::jthread thread_;     // last: the rest exists while it runs
};

}  // namespace dml::engine

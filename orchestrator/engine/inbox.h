#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <optional>
#include <variant>
#include <vector>

#include "base/artifact.h"
#include "base/clock.h"
#include "orchestrator/core/scheduler.h"
#include "orchestrator/engine/observer.h"
#include "runners/api/runner.h"

namespace dml::engine {

// The outputs of an attempt are in the store, or could not be put there.
struct CommitReport {
  TaskId task;
  AttemptNumber attempt;
  Result<std::vector<Artifact>> outputs;
  CommitCost cost;
};

// The content hash of an input file that was too large to hash in the loop.
struct FileHashed {
  std::string path;
  Result<Digest> digest;
};

// What was handed to the log is durable, or could not be made so.
struct LogWritten {
  Result<void> result;
};

using Message = std::variant<runners::RunnerEvent, CommitReport, FileHashed, runners::FilesLooked,
                             LogWritten, core::CancelRequested>;

// The only way into the run loop: any thread posts, the loop drains. Facts are always accepted
// (their number is bounded by the attempts in flight); progress beyond a limit is dropped.
class Inbox final : public runners::EventSink {
 public:
  void Post(runners::RunnerEvent event) override;
  void PostLooked(runners::FilesLooked answer) override { Deliver(std::move(answer)); }
  void Deliver(Message message);

  // Everything that has arrived, in order.
  [[nodiscard]] std::vector<Message> Drain();
  // Until something arrives, or for `limit`; forever without one. Then for up to `linger` more, or
  // until kPlenty have arrived: what comes together is made durable together. Ends at once when the
  // log is free for it.
  void Wait(std::optional<Duration> limit, Duration linger);

  static constexpr std::size_t kPlenty = 512;

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::vector<Message> messages_;  // guarded by mutex_
  std::size_t wanted_ = 1;         // guarded by mutex_: how many wake the waiter
  bool log_is_free_ = false;       // guarded by mutex_: one of them says so
};

}  // namespace dml::engine

#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "orchestrator/core/scheduler.h"
#include "orchestrator/engine/artifact_store.h"
#include "runners/api/runner.h"

namespace dml::engine {

// An attempt's outputs reached the store, or could not.
struct CommitFinished {
  runners::AttemptKey key;
  Result<CommittedOutputs> outputs;
};

using Message = std::variant<runners::RunnerEvent, CommitFinished, core::CancelRequested>;

// The only way into the run loop: other threads post, the loop drains. Unbounded, because what is
// in it is bounded by the attempts in flight.
class Inbox final : public runners::EventSink {
 public:
  void Post(runners::RunnerEvent event) override { Put(std::move(event)); }
  void Put(Message message);

  // Takes everything that is there, waiting for the first message until `timeout` (none: for ever).
  std::vector<Message> Drain(std::optional<Duration> timeout);

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::vector<Message> messages_;  // guarded by mutex_
};

}  // namespace dml::engine

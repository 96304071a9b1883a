#pragma once

#include <cstdint>
#include <map>
#include <queue>
#include <set>
#include <string>
#include <vector>

#include "base/random.h"
#include "orchestrator/engine/run_loop.h"
#include "tests/engine/fake_step.h"

namespace dml::engine {

// Virtual time: moves only when the simulation says so.
class SimClock final : public Clock {
 public:
  [[nodiscard]] Instant Now() const override { return now_; }
  [[nodiscard]] WallTime Wall() const override { return {1'800'000'000'000'000 + now_.ns / 1000}; }
  void AdvanceTo(Instant when) { now_ = std::max(now_, when); }

 private:
  Instant now_{1};
};

// Messages on their way to the loop, by the instant at which they arrive; equal instants in the
// order in which they were sent.
class Post {
 public:
  void Send(Instant when, Message message) {
    queue_.emplace(std::pair(when, next_++), std::move(message));
  }
  [[nodiscard]] std::optional<Instant> Next() const {
    if (queue_.empty()) return std::nullopt;
    return queue_.begin()->first.first;
  }
  std::vector<Message> TakeUntil(Instant now) {
    std::vector<Message> due;
    while (!queue_.empty() && queue_.begin()->first.first <= now) {
      due.push_back(std::move(queue_.begin()->second));
      queue_.erase(queue_.begin());
    }
    return due;
  }

 private:
  std::map<std::pair<Instant, std::uint64_t>, Message> queue_;
  std::uint64_t next_ = 0;
};

// What one seed decides: the graph, the policies, and which kinds of trouble there are at all.
struct Scenario {
  pipelines::ExpandedPipeline pipeline;
  RunOptions options;
  double cpus = 1;
  std::int64_t memory_bytes = 0;
  bool failures = false;
  bool losses = false;
  bool echoes = false;  // messages about attempts that are over, and duplicates
  bool commit_failures = false;
  bool cancels = false;

  static Scenario From(std::uint64_t seed);
};

// Runs the production loop, scheduler, resolver and store over a scripted node and committer, in
// virtual time and on one thread, and checks from the outside that promises are kept.
class SimulatedRun {
 public:
  SimulatedRun(std::uint64_t seed, std::string folder);
  // What went wrong, one line each; empty is good.
  std::vector<std::string> Run();

 private:
  class Node;
  class Committer;

  void CheckLaunch(const runners::LaunchSpec& spec);
  void CheckStore(const Home& home, const RunLoop& loop, RunId run);
  void Check(bool good, const std::string& what) {
    if (!good) complaints_.push_back(what);
  }
  std::uint64_t Draw(std::uint64_t bound) { return random_.Below(bound, draws_++); }
  Duration Delay() { return Duration::Millis(static_cast<std::int64_t>(Draw(2000))); }

  std::uint64_t seed_;
  std::string folder_;
  Philox random_;
  std::uint64_t draws_ = 0;
  Scenario scenario_;
  SimClock clock_;
  Post post_;
  RecordingObserver observer_;
  std::size_t heard_ = 0;

  std::map<runners::AttemptKey, runners::LaunchSpec> live_;
  std::map<TaskId, std::uint32_t> launches_;
  std::set<TaskId> committed_;
  std::vector<std::string> complaints_;
};

}  // namespace dml::engine

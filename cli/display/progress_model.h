#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/clock.h"

namespace dml::cli {

// What is known of a run while it goes on: counts, running tasks, and how long the rest may take.
// A plain value driven by calls; time comes in as a parameter, so that tests own it. O(log running)
// per call whatever the size of the run.
class ProgressModel {
 public:
  struct Running {
    std::string name;
    std::string step;
    Instant started;
    double fraction = 0;  // 0: unknown
    std::string note;
    std::uint32_t attempt = 1;
  };
  enum class Ending { kSucceeded, kReused, kFailed, kSkipped, kCancelled };

  // `expected`: mean durations by step, from earlier runs; steps without one are estimated from
  // this run's own finished tasks.
  void Begin(Instant now, const std::map<std::string, std::size_t>& tasks_per_step,
             const std::map<std::string, Duration>& expected, double parallel);
  void Start(std::uint32_t task, const std::string& name, const std::string& step,
             std::uint32_t attempt, Instant now);
  void Report(std::uint32_t task, double fraction, const std::string& note);
  // The attempt is over but the task is not: it waits before the next one.
  void Retry(std::uint32_t task);
  void End(std::uint32_t task, const std::string& step, Ending ending, Instant now);

  // A task that had ended is to be done again.
  void Reopen(std::uint32_t task, const std::string& step);

  [[nodiscard]] std::size_t total() const { return total_; }
  [[nodiscard]] std::size_t done() const { return done_; }
  [[nodiscard]] std::size_t count(Ending ending) const {
    return counts_[static_cast<std::size_t>(ending)];
  }
  [[nodiscard]] Instant began() const { return began_; }
  // In order of start.
  [[nodiscard]] std::vector<Running> running() const;

  // The time the rest may take; negative while there is nothing to go by.
  [[nodiscard]] Duration Remaining(Instant now) const;

 private:
  struct StepPace {
    std::size_t left = 0;
    double expected_s = -1;  // from earlier runs
    double measured_s = 0;   // sum over this run
    std::size_t measured = 0;
    [[nodiscard]] double Mean(double fallback) const;
  };
  [[nodiscard]] double MeanOfAll() const;

  std::size_t total_ = 0;
  std::size_t done_ = 0;
  std::size_t counts_[5] = {};
  double parallel_ = 1;
  Instant began_;
  std::vector<Ending> endings_;  // by task, of those that have ended
  std::map<std::uint32_t, Running> running_;
  std::map<std::string, StepPace> paces_;
};

}  // namespace dml::cli

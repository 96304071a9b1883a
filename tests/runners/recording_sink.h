#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "runners/api/runner.h"

namespace dml::runners {

// Keeps every event and waits for ends.
class RecordingSink final : public EventSink {
 public:
  void Post(RunnerEvent event) override;
  void PostLooked(FilesLooked answer) override;

  // Blocks until `count` attempts have ended (exited or lost) or half a minute has passed.
  void WaitForEnds(std::size_t count);
  // Blocks until the attempt has reported that it started.
  int WaitForStart(AttemptKey key);

  // Blocks until so many looks have been answered, likewise: the answers in order.
  std::vector<FilesLooked> WaitForLooks(std::size_t count);

  [[nodiscard]] std::size_t ends();
  // How the attempt ended: "success", "exit 1: ...", "signal 11", "timeout", "killed", "lost".
  [[nodiscard]] std::string End(AttemptKey key);
  [[nodiscard]] AttemptExited Exited(AttemptKey key);
  // Who has exited, in order.
  [[nodiscard]] std::vector<AttemptKey> Order();

  std::vector<RunnerEvent> events;

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<AttemptKey, std::string> ends_;
  std::map<AttemptKey, AttemptExited> exited_;
  std::map<AttemptKey, int> started_;
  std::vector<FilesLooked> looked_;
};

// Attempt 1 of task `task` of run 1.
AttemptKey KeyOf(std::size_t task);
// A native launch of "uses" with the task number as its parameter.
LaunchSpec NativeSpec(std::size_t task, const std::string& uses);
LaunchSpec CommandSpec(std::size_t task, std::vector<std::string> argv, const std::string& root);

}  // namespace dml::runners

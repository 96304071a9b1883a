#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>

#include "runners/agent/command_run.h"
#include "runners/api/frame.h"
#include "runners/api/messages.h"

namespace dml::agent {

// The worker's side of the connection. A thread of its own reads launches and kill requests while a
// task runs; sending is thread-safe.
class WorkerLink {
 public:
  explicit WorkerLink(int fd);
  ~WorkerLink();
  WorkerLink(const WorkerLink&) = delete;
  WorkerLink& operator=(const WorkerLink&) = delete;

  // The next attempt, which kill requests concern from now on; nothing once the other end has
  // closed.
  std::optional<runners::LaunchSpec> Next();
  // Becomes true when somebody asks for the end of the current attempt.
  [[nodiscard]] std::stop_token stop();
  // Lets kill requests reach a command, also one that came before this call.
  void Attach(CommandRun& command);
  // The attempt is over; whether somebody asked for it.
  bool End();

  // Writes a frame; returns once the system has it.
  void Send(runners::FrameType type, const std::string& payload);

 private:
  void Read();
  void Dispatch(const runners::Frame& frame);
  void GiveBack(const runners::AttemptKey& key);
  bool TakeFromQueue(const runners::AttemptKey& key);
  void KillAttempt(const runners::KillRequest& request);
  void Closed();
  void SendLocked(runners::FrameType type, const std::string& payload);

  int fd_;
  std::mutex mutex_;  // guards all below but thread_
  std::condition_variable arrived_;
  std::deque<runners::LaunchSpec> queue_;
  bool closed_ = false;
  std::optional<runners::AttemptKey> current_;
  bool outlives_ = false;  // the current attempt goes on when the other end closes
  std::stop_source stop_;
  CommandRun* command_ = nullptr;
  std::optional<runners::KillMode> killed_;
  std::jthread thread_;
};

}  // namespace dml::agent

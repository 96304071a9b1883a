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

  // The next attempt; nothing once the other end has closed. Flushes what was sent.
  std::optional<runners::LaunchSpec> Next();

  // What a kill request for `key` acts upon while it runs; `command` may be null.
  void Begin(runners::AttemptKey key, std::stop_source stop, CommandRun* command);
  // Whether somebody asked for its end.
  bool End();

  // Writes a frame; returns once the system has it.
  void Send(runners::FrameType type, const std::string& payload);

 private:
  void Read();
  void Dispatch(const runners::Frame& frame);
  void KillAttempt(const runners::KillRequest& request);
  void Closed();
  void SendLocked(runners::FrameType type, const std::string& payload);

  int fd_;
  std::mutex mutex_;  // guards all below but thread_
  std::condition_variable arrived_;
  std::deque<runners::LaunchSpec> queue_;
  bool closed_ = false;
  std::optional<runners::AttemptKey> current_;
  std::stop_source stop_;
  CommandRun* command_ = nullptr;
  bool killed_ = false;
  std::jthread thread_;
};

}  // namespace dml::agent

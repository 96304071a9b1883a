#include "orchestrator/engine/inbox.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace dml::engine {

namespace {

// Beyond this many undrained messages, news of progress is not worth its memory.
constexpr std::size_t kProgressBacklogMax = 4096;

}  // namespace

void Inbox::Post(runners::RunnerEvent event) {
  const bool progress = std::holds_alternative<runners::AttemptProgress>(event);
  {
    const std::lock_guard lock(mutex_);
    if (progress && messages_.size() >= kProgressBacklogMax) return;
    messages_.emplace_back(std::move(event));
    if (messages_.size() < wanted_) return;
  }
  arrived_.notify_one();
}

void Inbox::Deliver(Message message) {
  {
    const std::lock_guard lock(mutex_);
    log_is_free_ |= std::holds_alternative<LogWritten>(message);
    messages_.push_back(std::move(message));
    if (messages_.size() < wanted_ && !log_is_free_) return;
  }
  arrived_.notify_one();
}

std::vector<Message> Inbox::Drain() {
  const std::lock_guard lock(mutex_);
  log_is_free_ = false;
  return std::exchange(messages_, {});
}

void Inbox::Wait(std::optional<Duration> limit, Duration linger) {
  using Clock = std::chrono::steady_clock;
  std::unique_lock lock(mutex_);
  const auto enough = [this] { return messages_.size() >= wanted_ || log_is_free_; };
  auto until = Clock::time_point::max();
  wanted_ = 1;
  if (limit) {
    until = Clock::now() + std::chrono::nanoseconds(limit->ns);
    arrived_.wait_until(lock, until, enough);
  } else {
    arrived_.wait(lock, enough);
  }
  if (messages_.empty() || linger.ns <= 0) return;
  wanted_ = kPlenty;
  arrived_.wait_until(lock, std::min(until, Clock::now() + std::chrono::nanoseconds(linger.ns)),
                      enough);
  wanted_ = 1;
}

}  // namespace dml::engine

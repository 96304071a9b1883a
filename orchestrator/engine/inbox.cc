#include "orchestrator/engine/inbox.h"

#include <chrono>

namespace dml::engine {

void Inbox::Put(Message message) {
  const std::lock_guard lock(mutex_);
  messages_.push_back(std::move(message));
  if (messages_.size() == 1) arrived_.notify_one();
}

std::vector<Message> Inbox::Drain(std::optional<Duration> timeout) {
  std::unique_lock lock(mutex_);
  const auto has_mail = [this] { return !messages_.empty(); };
  if (timeout) {
    arrived_.wait_for(lock, std::chrono::nanoseconds(timeout->ns), has_mail);
  } else {
    arrived_.wait(lock, has_mail);
  }
  return std::exchange(messages_, {});
}

}  // namespace dml::engine

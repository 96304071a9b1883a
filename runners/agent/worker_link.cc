#include "runners/agent/worker_link.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

namespace dml::agent {

using runners::FrameType;

namespace {

constexpr std::size_t kReadBytes = 1U << 16;

// The kernel knows at once, the thread that reads a moment later.
bool HungUp(int fd) {
  pollfd end{fd, POLLRDHUP, 0};
  return ::poll(&end, 1, 0) == 1 && (end.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

}  // namespace

WorkerLink::WorkerLink(int fd) : fd_(fd), thread_([this] { Read(); }) {}

WorkerLink::~WorkerLink() { ::shutdown(fd_, SHUT_RDWR); }

void WorkerLink::Read() {
  runners::FrameDecoder decoder;
  std::string block(kReadBytes, '\0');
  while (true) {
    const ssize_t got = ::read(fd_, block.data(), block.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return Closed();
    decoder.Feed(std::string_view(block).substr(0, static_cast<std::size_t>(got)));
    while (true) {
      auto frame = decoder.Next();
      if (!frame.ok()) return Closed();
      if (!*frame) break;
      Dispatch(**frame);
    }
  }
}

void WorkerLink::Dispatch(const runners::Frame& frame) {
  if (frame.type == FrameType::kLaunch) {
    auto spec = runners::DecodeLaunch(frame.payload);
    if (!spec.ok()) return Closed();
    const std::lock_guard lock(mutex_);
    queue_.push_back(std::move(spec).value());
    arrived_.notify_one();
  } else if (frame.type == FrameType::kKill) {
    auto request = runners::DecodeKill(frame.payload);
    if (request.ok()) KillAttempt(*request);
  } else if (frame.type == FrameType::kRecall) {
    auto key = runners::DecodeKey(frame.payload);
    if (key.ok()) GiveBack(*key);
  }
}

void WorkerLink::GiveBack(const runners::AttemptKey& key) {
  const std::lock_guard lock(mutex_);
  if (!TakeFromQueue(key)) return;
  SendLocked(FrameType::kReturned, runners::EncodeKey(key));
}

bool WorkerLink::TakeFromQueue(const runners::AttemptKey& key) {
  const auto waiting = std::ranges::find_if(
      queue_, [&](const runners::LaunchSpec& spec) { return spec.key == key; });
  if (waiting == queue_.end()) return false;
  queue_.erase(waiting);
  return true;
}

void WorkerLink::KillAttempt(const runners::KillRequest& request) {
  const std::lock_guard lock(mutex_);
  if (current_ == request.key) {
    killed_ = request.mode;
    stop_.request_stop();
    if (command_ != nullptr) command_->Kill(request.mode);
    return;
  }
  // Still waiting in line: it ends without ever having started.
  if (!TakeFromQueue(request.key)) return;
  runners::AttemptExited exited;
  exited.key = request.key;
  exited.reason = runners::ExitKilled{};
  SendLocked(FrameType::kExited, runners::EncodeExited(exited));
}

// The head is gone: nobody waits for the result, and nobody else would stop the work.
void WorkerLink::Closed() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  queue_.clear();
  arrived_.notify_one();
  // An attempt with a record is taken up by whoever comes next.
  if (current_ && outlives_) return;
  stop_.request_stop();
  if (command_ != nullptr) {
    command_->Kill(runners::KillMode::kKill);
  } else if (current_) {
    // A native step may take long to notice, and it has nothing outside to clean up.
    ::_exit(0);
  }
}

std::optional<runners::LaunchSpec> WorkerLink::Next() {
  std::unique_lock lock(mutex_);
  arrived_.wait(lock, [this] { return closed_ || !queue_.empty(); });
  // What nobody has seen begin is given to another worker by whoever comes next.
  if (closed_ || HungUp(fd_)) return std::nullopt;
  runners::LaunchSpec spec = std::move(queue_.front());
  queue_.pop_front();
  current_ = spec.key;
  outlives_ = !spec.record_path.empty();
  stop_ = std::stop_source();
  killed_.reset();
  return spec;
}

std::stop_token WorkerLink::stop() {
  const std::lock_guard lock(mutex_);
  return stop_.get_token();
}

void WorkerLink::Attach(CommandRun& command) {
  const std::lock_guard lock(mutex_);
  command_ = &command;
  if (killed_) command.Kill(*killed_);
  if (closed_ && !outlives_) command.Kill(runners::KillMode::kKill);
}

bool WorkerLink::End() {
  const std::lock_guard lock(mutex_);
  current_.reset();
  command_ = nullptr;
  return killed_.has_value();
}

void WorkerLink::Send(FrameType type, const std::string& payload) {
  const std::lock_guard lock(mutex_);
  SendLocked(type, payload);
}

void WorkerLink::SendLocked(FrameType type, const std::string& payload) {
  std::string bytes;
  runners::AppendFrame(type, payload, bytes);
  std::string_view rest = bytes;
  while (!rest.empty()) {
    const ssize_t sent = ::send(fd_, rest.data(), rest.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return;  // the reader will notice that the other end is gone
    rest.remove_prefix(static_cast<std::size_t>(sent));
  }
}

}  // namespace dml::agent

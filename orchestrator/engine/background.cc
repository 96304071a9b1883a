#include "orchestrator/engine/background.h"

#include <algorithm>
#include <utility>

#include "base/crash_point.h"

namespace dml::engine {

BackgroundThread::BackgroundThread(const Home& home, Inbox& inbox)
    : store_(home), inbox_(inbox), thread_([this] { Work(); }) {}

BackgroundThread::~BackgroundThread() {
  hashing_.request_stop();  // the inbox has no reader any more
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  changed_.notify_one();
}

void BackgroundThread::Commit(CommitJob job) {
  Add([this, job = std::move(job)] {
    CommitCost cost;
    CrashPoint("commit.begins");
    auto outputs = store_.Commit(job.attempt_path, job.outputs, cost);
    CrashPoint("commit.stored");
    inbox_.Deliver(CommitReport{job.task, job.attempt, std::move(outputs), cost});
  });
}

void BackgroundThread::HashFile(std::string path) {
  Add([this, path = std::move(path)] {
    inbox_.Deliver(FileHashed{path, dml::HashFile(path, hashing_.get_token())});
  });
}

void BackgroundThread::Discard(std::vector<std::string> attempt_paths) {
  Add([paths = std::move(attempt_paths)] { std::ranges::for_each(paths, DiscardAttempt); });
}

void BackgroundThread::Add(std::function<void()> job) {
  {
    const std::lock_guard lock(mutex_);
    jobs_.push_back(std::move(job));
  }
  changed_.notify_one();
}

void BackgroundThread::Work() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return closing_ || !jobs_.empty(); });
    if (jobs_.empty()) return;
    const auto job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    job();
    lock.lock();
  }
}

}  // namespace dml::engine

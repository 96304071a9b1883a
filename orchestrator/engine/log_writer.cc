#include "orchestrator/engine/log_writer.h"

#include <utility>

#include "base/check.h"
#include "base/crash_point.h"

namespace dml::engine {

LogWriterThread::LogWriterThread(state::RunStore store, Inbox& inbox)
    : store_(std::move(store)), inbox_(inbox), thread_([this] { Work(); }) {}

LogWriterThread::~LogWriterThread() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  changed_.notify_one();
}

void LogWriterThread::Write(RunId run, WallTime now, state::Batch batch) {
  {
    const std::lock_guard lock(mutex_);
    DML_CHECK(!job_, "one batch at a time");
    job_ = Job{run, now, std::move(batch)};
  }
  changed_.notify_one();
}

void LogWriterThread::Work() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return closing_ || job_; });
    if (!job_) return;
    const Job job = *std::exchange(job_, std::nullopt);
    lock.unlock();
    auto written = store_.Append(job.run, job.now, job.batch);
    CrashPoint("turn.persisted");
    if (!job.batch.results.empty()) CrashPoint("result.persisted");
    inbox_.Deliver(LogWritten{std::move(written)});
    lock.lock();
  }
}

}  // namespace dml::engine

#include "tests/runners/recording_sink.h"

#include <gtest/gtest.h>

#include <chrono>

namespace dml::runners {

namespace {

// A sanitizer on a busy machine takes its time; it costs nothing when all goes well.
constexpr std::chrono::seconds kPatience{120};

std::string Describe(const ExitReason& reason) {
  if (const auto* failure = std::get_if<ExitFailure>(&reason)) {
    return "exit " + std::to_string(failure->exit_code) + ": " + failure->error.message;
  }
  if (const auto* killed = std::get_if<ExitSignal>(&reason)) {
    return killed->out_of_memory ? "memory" : "signal " + std::to_string(killed->signal);
  }
  if (std::holds_alternative<ExitTimeout>(reason)) return "timeout";
  return std::holds_alternative<ExitKilled>(reason) ? "killed" : "success";
}

}  // namespace

void RecordingSink::Post(RunnerEvent event) {
  const std::lock_guard lock(mutex_);
  if (const auto* exited = std::get_if<AttemptExited>(&event)) {
    EXPECT_TRUE(ends_.emplace(exited->key, Describe(exited->reason)).second) << "ended twice";
    exited_.emplace(exited->key, *exited);
  }
  if (const auto* lost = std::get_if<AttemptLost>(&event)) {
    EXPECT_TRUE(ends_.emplace(lost->key, "lost").second) << "ended twice";
  }
  if (const auto* started = std::get_if<AttemptStarted>(&event)) {
    started_.emplace(started->key, started->pid);
  }
  events.push_back(std::move(event));
  changed_.notify_all();
}

void RecordingSink::WaitForEnds(std::size_t count) {
  std::unique_lock lock(mutex_);
  EXPECT_TRUE(changed_.wait_for(lock, kPatience, [&] { return ends_.size() >= count; }))
      << ends_.size() << " of " << count << " ended";
}

void RecordingSink::PostLooked(FilesLooked answer) {
  const std::lock_guard lock(mutex_);
  looked_.push_back(std::move(answer));
  changed_.notify_all();
}

std::vector<FilesLooked> RecordingSink::WaitForLooks(std::size_t count) {
  std::unique_lock lock(mutex_);
  EXPECT_TRUE(changed_.wait_for(lock, kPatience, [&] { return looked_.size() >= count; }))
      << looked_.size() << " of " << count << " answered";
  return looked_;
}

int RecordingSink::WaitForStart(AttemptKey key) {
  std::unique_lock lock(mutex_);
  EXPECT_TRUE(changed_.wait_for(lock, kPatience, [&] { return started_.contains(key); }));
  return started_[key];
}

std::size_t RecordingSink::ends() {
  const std::lock_guard lock(mutex_);
  return ends_.size();
}

std::string RecordingSink::End(AttemptKey key) {
  const std::lock_guard lock(mutex_);
  return ends_[key];
}

AttemptExited RecordingSink::Exited(AttemptKey key) {
  const std::lock_guard lock(mutex_);
  return exited_[key];
}

std::vector<AttemptKey> RecordingSink::Order() {
  const std::lock_guard lock(mutex_);
  std::vector<AttemptKey> order;
  for (const RunnerEvent& event : events) {
    if (const auto* exited = std::get_if<AttemptExited>(&event)) order.push_back(exited->key);
  }
  return order;
}

AttemptKey KeyOf(std::size_t task) { return {RunId{1}, TaskId(task), AttemptNumber{1}}; }

LaunchSpec NativeSpec(std::size_t task, const std::string& uses) {
  LaunchSpec spec;
  spec.key = KeyOf(task);
  spec.work = std::vector<NativeStep>{{uses, {{"task", task}}}};
  spec.grace = Duration::Millis(100);
  return spec;
}

LaunchSpec CommandSpec(std::size_t task, std::vector<std::string> argv, const std::string& root) {
  LaunchSpec spec;
  spec.key = KeyOf(task);
  spec.attempt_dir = root + "/" + std::to_string(task);
  spec.log_path = root + "/logs/" + std::to_string(task) + ".log";
  spec.work = Command{std::move(argv), spec.attempt_dir + "/work", {}, {}};
  spec.grace = Duration::Millis(200);
  return spec;
}

}  // namespace dml::runners

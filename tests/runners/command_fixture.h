#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <thread>

#include "base/clock.h"
#include "base/files.h"
#include "runners/local/local_runner.h"
#include "tests/runners/recording_sink.h"

namespace dml::local {

// A killed process stays in the table until its parent asks, so look at its state.
inline bool IsDead(int pid) {
  const auto stat = ReadFile("/proc/" + std::to_string(pid) + "/stat");
  if (!stat.ok()) return true;
  return stat->find(") Z ") != std::string::npos || stat->find(") X ") != std::string::npos;
}

// Signals are delivered in their own time.
inline bool DiesSoon(int pid) {
  const SystemClock clock;
  const Instant limit = clock.Now() + Duration::Seconds(20);
  while (!IsDead(pid) && clock.Now() < limit) std::this_thread::yield();
  return IsDead(pid);
}

// Runs commands one after the other on two workers, in a folder of the test's own.
class CommandTest : public testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::remove_all(root_);  // what a test that was killed has left
    std::filesystem::create_directories(root_);
  }
  void TearDown() override {
    runner_.Shutdown();
    std::filesystem::remove_all(root_);
  }

  std::string Run(const runners::LaunchSpec& spec) {
    EXPECT_TRUE(runner_.Launch({spec}).ok());
    sink_.WaitForEnds(++launched_);
    return sink_.End(spec.key);
  }
  runners::LaunchSpec Shell(std::size_t task, const std::string& script) {
    return runners::CommandSpec(task, {"/bin/sh", "-c", script}, root_);
  }
  [[nodiscard]] std::string Log(std::size_t task) const {
    return ReadFile(root_ + "/logs/" + std::to_string(task) + ".log").value();
  }

  std::string root_ = testing::TempDir() + "/command_test_" +
                      testing::UnitTest::GetInstance()->current_test_info()->name();
  runners::RecordingSink sink_;
  LocalRunner runner_{{{DML_BINARY_DIR "/runners_test_worker"}, 2}, sink_};
  std::size_t launched_ = 0;
};

}  // namespace dml::local

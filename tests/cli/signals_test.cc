#include "cli/signals.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <vector>

namespace dml::cli {
namespace {

// Collects what the watcher reports, and lets a test wait for it.
struct Heard {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::pair<int, int>> calls;

  void Add(int signal, int count) {
    const std::lock_guard lock(mutex);
    calls.emplace_back(signal, count);
    changed.notify_all();
  }
  std::vector<std::pair<int, int>> WaitFor(std::size_t size) {
    std::unique_lock lock(mutex);
    EXPECT_TRUE(
        changed.wait_for(lock, std::chrono::seconds(30), [&] { return calls.size() >= size; }));
    return calls;
  }
};

using Calls = std::vector<std::pair<int, int>>;

TEST(SignalWatcher, CountsSignalsAndRemembersTheFirst) {
  Heard heard;
  SignalWatcher watcher([&](int signal, int count) { heard.Add(signal, count); });
  EXPECT_EQ(watcher.first_signal(), 0);
  ::raise(SIGTERM);
  EXPECT_EQ(heard.WaitFor(1), (Calls{{SIGTERM, 1}}));
  ::raise(SIGINT);
  EXPECT_EQ(heard.WaitFor(2), (Calls{{SIGTERM, 1}, {SIGINT, 2}}));
  EXPECT_EQ(watcher.first_signal(), SIGTERM);
}

TEST(SignalWatcher, HearsThatTheTerminalIsGoneUnlessNobodyIsToHear) {
  Heard heard;
  const auto raised = [&] {
    const SignalWatcher watcher([&](int signal, int count) { heard.Add(signal, count); });
    ::raise(SIGHUP);
    ::raise(SIGTERM);  // what was raised is told before the watcher's end
  };
  ::signal(SIGHUP, SIG_IGN);  // as nohup does
  raised();
  EXPECT_EQ(heard.WaitFor(1), (Calls{{SIGTERM, 1}}));
  ::signal(SIGHUP, SIG_DFL);
  raised();
  EXPECT_EQ(heard.WaitFor(3), (Calls{{SIGTERM, 1}, {SIGHUP, 1}, {SIGTERM, 2}}));
}

TEST(SignalWatcher, GivesTheFormerHandlersBack) {
  struct sigaction before {};
  ::sigaction(SIGINT, nullptr, &before);
  {
    const SignalWatcher watcher([](int, int) {});
  }
  struct sigaction after {};
  ::sigaction(SIGINT, nullptr, &after);
  EXPECT_EQ(before.sa_handler, after.sa_handler);
  const SignalWatcher again([](int, int) {});
  EXPECT_EQ(again.first_signal(), 0);
}

}  // namespace
}  // namespace dml::cli

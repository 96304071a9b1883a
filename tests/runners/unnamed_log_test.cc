#include "runners/agent/unnamed_log.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <iterator>
#include <string_view>
#include <utility>

#include "base/file_descriptor.h"
#include "base/files.h"
#include "runners/agent/command_run.h"
#include "tests/runners/recording_sink.h"

namespace dml::agent {
namespace {

namespace fs = std::filesystem;

constexpr std::uint32_t kMask = 022;

class UnnamedLogTest : public testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(folder_);
    if (log_.Open(PathOf(0), kMask).empty()) GTEST_SKIP() << "the disk knows no unnamed files";
    log_.Finish();
  }
  void TearDown() override { fs::remove_all(folder_); }

  [[nodiscard]] std::string PathOf(int task) const {
    return folder_ + "/" + std::to_string(task) + ".log";
  }
  static void Append(const std::string& path, std::string_view text) {
    const FileDescriptor file(::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
    EXPECT_EQ(WriteAll(file.get(), text), 0);
  }
  [[nodiscard]] std::size_t Files() const {
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator(folder_), fs::directory_iterator()));
  }

  std::string folder_ = testing::TempDir() + "/unnamed_log_" + std::to_string(::getpid());
  UnnamedLog log_;
};

TEST_F(UnnamedLogTest, WhatStaysEmptyIsTheNextOnesToo) {
  const std::string first = log_.Open(PathOf(1), kMask);
  struct stat before {};
  ASSERT_EQ(::stat(first.c_str(), &before), 0);
  log_.Finish();
  struct stat after {};
  ASSERT_EQ(::stat(log_.Open(PathOf(2), kMask).c_str(), &after), 0);
  EXPECT_EQ(before.st_ino, after.st_ino);
  log_.Finish();
  EXPECT_EQ(Files(), 0U);
}

TEST_F(UnnamedLogTest, WhatIsLeftInItHasItsNameAndNobodyElseGetsIt) {
  Append(log_.Open(PathOf(1), kMask), "one");
  EXPECT_EQ(Files(), 0U);
  log_.Finish();
  EXPECT_EQ(ReadFile(PathOf(1)).value(), "one");
  Append(log_.Open(PathOf(2), kMask), "two");
  log_.Finish();
  EXPECT_EQ(ReadFile(PathOf(1)).value(), "one");
  EXPECT_EQ(ReadFile(PathOf(2)).value(), "two");
}

TEST_F(UnnamedLogTest, OneThatWasNamedIsNotTheNextOnes) {
  const std::string path = log_.Open(PathOf(1), kMask);
  log_.Name();
  EXPECT_EQ(ReadFile(PathOf(1)).value(), "");
  Append(path, "late");
  EXPECT_EQ(ReadFile(PathOf(1)).value(), "late");
  log_.Finish();
  Append(log_.Open(PathOf(2), kMask), "other");
  log_.Finish();
  EXPECT_EQ(ReadFile(PathOf(1)).value(), "late");
}

TEST_F(UnnamedLogTest, ALogThatIsThereIsWrittenByItsName) {
  ASSERT_TRUE(WriteFileAtomic(PathOf(1), "before").ok());
  EXPECT_EQ(log_.Open(PathOf(1), kMask), "");
  log_.Name();
  log_.Finish();
  EXPECT_EQ(ReadFile(PathOf(1)).value(), "before");
}

TEST_F(UnnamedLogTest, EveryFolderAndMaskHasItsOwn) {
  static_cast<void>(log_.Open(PathOf(1), kMask));
  log_.Finish();
  const mode_t before = ::umask(077);
  Append(log_.Open(PathOf(2), 077), "mine");
  ::umask(before);
  log_.Finish();
  struct stat info {};
  ASSERT_EQ(::stat(PathOf(2).c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
  const std::string elsewhere = folder_ + "/below";
  fs::create_directories(elsewhere);
  Append(log_.Open(elsewhere + "/3.log", kMask), "three");
  log_.Finish();
  EXPECT_EQ(ReadFile(elsewhere + "/3.log").value(), "three");
}

TEST_F(UnnamedLogTest, AFolderThatWasRemovedIsMadeAgain) {
  Append(log_.Open(PathOf(1), kMask), "kept");
  fs::remove_all(folder_);
  log_.Finish();
  EXPECT_EQ(ReadFile(PathOf(1)).value(), "kept");
}

// Making and removing a file for each costs more than the command.
TEST_F(UnnamedLogTest, ASilentCommandDoesNotTouchTheFolderOfLogs) {
  const auto changed = [this] {
    struct stat info {};
    EXPECT_EQ(::stat(folder_.c_str(), &info), 0);
    return std::pair(info.st_mtim.tv_sec, info.st_mtim.tv_nsec);
  };
  // One that the machine kept waiting gets its log, so that it can be looked into.
  int looked_at = 0;
  for (std::size_t task = 1; looked_at < 3 && task < 100; ++task) {
    auto spec = runners::CommandSpec(task, {"true"}, folder_);
    spec.log_path = PathOf(static_cast<int>(task));
    const auto before = changed();
    bool lasted = false;
    CommandRun run(&log_);
    const CommandEnd end = run.Run(
        spec, [](int) {}, [&](int) { lasted = true; });
    EXPECT_TRUE(std::holds_alternative<runners::ExitSuccess>(end.reason));
    if (lasted) continue;
    EXPECT_EQ(changed(), before);
    ++looked_at;
  }
  EXPECT_EQ(looked_at, 3);
}

}  // namespace
}  // namespace dml::agent

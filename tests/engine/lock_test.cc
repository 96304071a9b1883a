#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/quantity.h"
#include "orchestrator/engine/file_lock.h"
#include "tests/engine/session_fixture.h"

namespace dml::engine {
namespace {

class Locks : public SessionTest {};

TEST_F(Locks, TellWhoHasThemAndGoWithTheirHolder) {
  const std::string path = folder_ + "/lock";
  EXPECT_FALSE(FileLock::Owner(path).has_value());
  {
    const auto lock = FileLock::Take(path, "r7");
    ASSERT_TRUE(lock.ok());
    const auto owner = FileLock::Owner(path);
    ASSERT_TRUE(owner.has_value());
    EXPECT_EQ(owner->process, ThisProcess());
    const auto second = FileLock::Take(path, "r7");
    ASSERT_FALSE(second.ok());
    EXPECT_EQ(second.error().kind, ErrorKind::kBusy);
    EXPECT_EQ(second.error().message, owner->Describe());
    EXPECT_EQ(owner->Describe(), "r7 is run by process " + std::to_string(::getpid()) + " on " +
                                     HostName() + " since " + FormatUtc(owner->since));
  }
  EXPECT_FALSE(FileLock::Owner(path).has_value());
  EXPECT_FALSE(std::filesystem::exists(path)) << "nothing is left";
  EXPECT_TRUE(FileLock::Take(path, "r7").ok());
}

TEST_F(Locks, TheLockOfAKilledProcessIsFree) {
  const std::string path = folder_ + "/lock";
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const auto lock = FileLock::Take(path, "r1");
    const char byte = lock.ok() ? 'y' : 'n';
    if (::write(ready[1], &byte, 1) == 1) ::pause();
    ::_exit(1);
  }
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  EXPECT_EQ(byte, 'y');
  EXPECT_EQ(FileLock::Owner(path)->process.pid, child);
  EXPECT_FALSE(FileLock::Take(path, "r1").ok());
  ::kill(child, SIGKILL);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  EXPECT_FALSE(FileLock::Owner(path).has_value());
  EXPECT_TRUE(FileLock::Take(path, "r1").ok());
  ::close(ready[0]);
  ::close(ready[1]);
}

TEST_F(Locks, SharingExcludesTakingAndNotSharing) {
  const std::string path = folder_ + "/lock";
  const auto first = FileLock::Share(path);
  EXPECT_TRUE(first.ok());
  EXPECT_TRUE(FileLock::Share(path).ok());
  EXPECT_FALSE(FileLock::Take(path, "gc").ok());
}

// The second run is refused while the first is at it, unless it was asked for.
TEST_F(Locks, APipelineIsRunOnceAtATime) {
  PipelineMaker maker;
  maker.Add("a");
  std::optional<Error> refused;
  std::optional<RunId> beside;
  std::optional<LockOwner> owner;
  const Ran ran = Run(maker.pipeline, {}, [&](ImmediateRunner& runner) {
    runner.on_launch = [&] {
      RecordingObserver observer;
      RunSession second(*home_, maker.pipeline, {}, clock_, observer);
      ImmediateRunner idle(second.events());
      if (auto result = second.Run(idle); !result.ok()) refused = result.error();
      owner = FileLock::Owner(home_->RunLockPath(RunId{1}));
      // Equal tasks would wait for those of the first run.
      beside = Run(maker.pipeline, {.no_cache = true, .concurrent = true}).result.run;
    };
  });
  ASSERT_TRUE(refused.has_value());
  EXPECT_EQ(refused->kind, ErrorKind::kBusy);
  EXPECT_NE(refused->message.find("process " + std::to_string(::getpid())), std::string::npos);
  EXPECT_NE(refused->message.find(HostName()), std::string::npos);
  ASSERT_TRUE(owner.has_value());
  EXPECT_EQ(owner->what, "r1");
  EXPECT_EQ(beside, RunId{2}) << "the refused run left no trace";
  EXPECT_EQ(ran.result.outcome, state::RunOutcome::kSucceeded);
  EXPECT_FALSE(FileLock::Owner(home_->RunLockPath(RunId{1})).has_value());
}

TEST_F(Locks, APipelineIsOneWhateverLinksLeadToIt) {
  const std::string file = folder_ + "/real.yaml";
  const std::string link = folder_ + "/link.yaml";
  std::ofstream(file) << "name: n\n";
  std::filesystem::create_symlink("real.yaml", link);
  EXPECT_EQ(home_->PipelineLockPath(link), home_->PipelineLockPath(file));
  EXPECT_NE(home_->PipelineLockPath(folder_ + "/other.yaml"), home_->PipelineLockPath(file));
}

TEST_F(Locks, WhatIsRunOnceIsBegunOnce) {
  PipelineMaker maker;
  maker.Add("a");
  const Ran first = Run(maker.pipeline, {.concurrent = true, .once = "slot 1"});
  EXPECT_EQ(first.result.run, RunId{1});
  RecordingObserver observer;
  RunSession second(*home_, maker.pipeline, {.concurrent = true, .once = "slot 1"}, clock_,
                    observer);
  ImmediateRunner idle(second.events());
  const auto refused = second.Run(idle);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().kind, ErrorKind::kBusy);
  EXPECT_EQ(refused.error().message, "r1 has begun for this already");
  EXPECT_EQ(Run(maker.pipeline, {.concurrent = true, .once = "slot 2"}).result.run, RunId{2});
}

// A run that is at its first task has an empty store as well.
TEST_F(Locks, TheStoreOfARunIsNotTakenAwayForASharedOne) {
  const std::string cache = folder_ + "/shared";
  {
    const auto run = FileLock::Take(home_->RunLockPath(RunId{1}), "r1");
    ASSERT_TRUE(run.ok());
    const auto refused = Home::Open(home_->path(), "/", cache);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().kind, ErrorKind::kBusy);
    EXPECT_FALSE(home_->shared());
  }
  ASSERT_TRUE(Home::Open(home_->path(), "/", cache).ok());
  EXPECT_TRUE(home_->shared());
}

}  // namespace
}  // namespace dml::engine

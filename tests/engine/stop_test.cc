// Ending a run from outside: what is said is what has happened.

#include <grp.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <optional>
#include <utility>

#include "orchestrator/engine/file_lock.h"
#include "orchestrator/engine/stop_run.h"
#include "tests/engine/session_fixture.h"

namespace dml::engine {
namespace {

constexpr uid_t kNobody = 65534;

Result<std::unique_ptr<runners::Runner>> NoRunner() { return Error::Task("no runner is wanted"); }

class Stop : public SessionTest {
 protected:
  void TearDown() override {
    if (holder_ > 0) {
      ::kill(holder_, SIGKILL);
      ::waitpid(holder_, nullptr, 0);
    }
    SessionTest::TearDown();
  }

  // Another process drives the run, and ends when it is asked to.
  void HoldRun(RunId run) {
    int ready[2];
    ASSERT_EQ(::pipe(ready), 0);
    holder_ = ::fork();
    if (holder_ == 0) {
      const auto lock = FileLock::Take(home_->RunLockPath(run), "r1");
      const char byte = 'y';
      if (lock.ok() && ::write(ready[1], &byte, 1) == 1) ::pause();
      ::_exit(1);
    }
    char byte = 0;
    ASSERT_EQ(::read(ready[0], &byte, 1), 1);
    ::close(ready[0]);
    ::close(ready[1]);
  }

  pid_t holder_ = -1;
};

TEST_F(Stop, ARunThatEndsByItselfIsNotSaidToBeStopped) {
  PipelineMaker maker;
  maker.Add("a", {}, {{"x", 1}});
  Run(maker.pipeline);
  HoldRun(RunId{1});
  const auto outcome = StopRun(*home_, {RunId{1}}, NoRunner, clock_);
  ASSERT_TRUE(outcome.ok()) << outcome.error().Render();
  EXPECT_EQ(*outcome, "succeeded");
}

// The run is recorded and its owner is about to take its lock, behind the gate.
TEST_F(Stop, ARunThatIsComingIntoBeingIsStoppedToo) {
  PipelineMaker maker;
  maker.Add("a", {}, {{"x", 1}});
  Run(maker.pipeline);
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  holder_ = ::fork();
  if (holder_ == 0) {
    std::optional<FileLock> lock;
    {
      const auto gate = FileLock::Wait(home_->GateLockPath());
      const char byte = 'y';
      if (!gate.ok() || ::write(ready[1], &byte, 1) != 1) ::_exit(1);
      ::usleep(300'000);
      auto taken = FileLock::Take(home_->RunLockPath(RunId{1}), "r1");
      if (!taken.ok()) ::_exit(1);
      lock.emplace(std::move(taken).value());
    }
    ::pause();
  }
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  const auto outcome = StopRun(*home_, {RunId{1}}, NoRunner, clock_);
  ASSERT_TRUE(outcome.ok()) << outcome.error().Render();
  int status = 0;
  EXPECT_EQ(::waitpid(std::exchange(holder_, -1), &status, 0) > 0, true);
  EXPECT_EQ(WTERMSIG(status), SIGTERM);
  ::close(ready[0]);
  ::close(ready[1]);
}

// The first process of the machine is root's; who asks is not.
TEST_F(Stop, AnOwnerOfAnotherUserIsSaid) {
  struct stat first {};
  ASSERT_EQ(::stat("/proc/1", &first), 0);
  if (::geteuid() != 0 && first.st_uid == ::geteuid()) GTEST_SKIP() << "there is no other user";
  HoldRun(RunId{1});
  const std::string lock = home_->RunLockPath(RunId{1});
  std::ofstream(lock) << CanonicalJson({{"pid", 1},
                                        {"start", StartOf(1).value_or(0)},
                                        {"boot", BootId()},
                                        {"host", "here"},
                                        {"what", "r1"}});
  const pid_t asker = ::fork();
  if (asker == 0) {
    if (::geteuid() == 0 && (::setgroups(0, nullptr) != 0 || ::setuid(kNobody) != 0)) ::_exit(9);
    const auto stopped = StopRun(*home_, {RunId{1}}, NoRunner, clock_);
    if (stopped.ok()) ::_exit(1);
    const bool said = stopped.error().message.find("another user") != std::string::npos;
    ::_exit(said && stopped.error().kind == ErrorKind::kEnvironment ? 0 : 2);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(asker, &status, 0), asker);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace dml::engine

#include "base/process.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

namespace dml {
namespace {

TEST(Process, KnowsItselfAndNotItsNumberAtAnotherTime) {
  ProcessId self = ThisProcess();
  EXPECT_EQ(self.pid, ::getpid());
  EXPECT_GT(self.start, 0);
  EXPECT_TRUE(IsAlive(self));
  ++self.start;
  EXPECT_FALSE(IsAlive(self));
  ProcessId other_boot = ThisProcess();
  other_boot.boot = "another";
  EXPECT_FALSE(IsAlive(other_boot));
}

TEST(Process, SignalsThatVeryProcess) {
  const pid_t child = ::fork();
  if (child == 0) {
    while (true) ::pause();
  }
  ProcessId id{child, StartOf(child).value_or(0), BootId()};
  ProcessId earlier = id;
  --earlier.start;
  EXPECT_FALSE(SignalProcess(earlier, SIGKILL));
  EXPECT_TRUE(SignalProcess(id, SIGKILL));
  int status = 0;
  // Dead but not waited for: a zombie runs nothing.
  siginfo_t info{};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT), 0);
  EXPECT_FALSE(IsAlive(id));
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(WTERMSIG(status), SIGKILL);
  EXPECT_FALSE(SignalProcess(id, SIGKILL));
}

}  // namespace
}  // namespace dml

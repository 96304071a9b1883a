#include "base/open_files.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace dml {
namespace {

rlim_t Allowed() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

// In a process of its own: the limit is that of the whole process.
TEST(OpenFiles, AreManyForThisProcessAndAsBeforeForItsChildren) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    rlimit low{};
    ::getrlimit(RLIMIT_NOFILE, &low);
    low.rlim_cur = 60;
    ::setrlimit(RLIMIT_NOFILE, &low);
    RaiseOpenFiles();
    if (Allowed() != low.rlim_max) ::_exit(1);
    RaiseOpenFiles();
    RestoreOpenFiles(0);
    ::_exit(Allowed() == 60 ? 0 : 2);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(pid, &status, 0), pid);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace dml

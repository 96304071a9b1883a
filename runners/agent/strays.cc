#include "runners/agent/strays.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <cerrno>
#include <filesystem>
#include <sstream>
#include <vector>

#include "base/files.h"

namespace dml::agent {

namespace {

// A child that forks faster than it is killed must not keep its parent here for ever.
constexpr int kRoundsMax = 100;

bool HasChildren() {
  siginfo_t info{};
  return ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

// Every thread has children of its own.
std::vector<int> Children() {
  std::vector<int> pids;
  std::error_code ignored;
  for (const auto& thread : std::filesystem::directory_iterator("/proc/self/task", ignored)) {
    const auto list = ReadFile(thread.path().string() + "/children");
    if (!list.ok()) continue;
    std::istringstream words(*list);
    for (int pid = 0; words >> pid;) pids.push_back(pid);
  }
  return pids;
}

}  // namespace

void AdoptStrays() { ::prctl(PR_SET_CHILD_SUBREAPER, 1); }

void EndStrays(const std::function<bool(int pid)>& is_stray) {
  for (int round = 0; round < kRoundsMax && HasChildren(); ++round) {
    bool any = false;
    for (const int pid : Children()) {
      if (!is_stray(pid)) continue;
      any = true;
      // While it is not buried, nobody else can get its number.
      ::kill(pid, SIGKILL);
      while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
      }
    }
    if (!any) return;
  }
}

}  // namespace dml::agent

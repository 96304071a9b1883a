#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "runners/api/runner.h"

namespace dml::agent {

// How a command ended and what it used.
struct CommandEnd {
  runners::ExitReason reason;
  runners::ResourceUsage usage;
  std::vector<std::string> warnings;
};

// One external command: started in a process group of its own, with no shell, /dev/null as input
// and its output, without its secrets, appended to the attempt's log. Ends when the command has
// ended; what it left in its group is killed. Run() once, on one thread; Kill() from any.
class CommandRun {
 public:
  CommandRun();
  ~CommandRun();
  CommandRun(const CommandRun&) = delete;
  CommandRun& operator=(const CommandRun&) = delete;

  // `started` hears the process id, which is also that of the group.
  CommandEnd Run(const runners::LaunchSpec& spec, const std::function<void(int pid)>& started);

  // kTerminate: TERM, then KILL after the grace period. kKill: KILL now.
  void Kill(runners::KillMode mode);

 private:
  CommandEnd Start(const runners::LaunchSpec& spec, const std::function<void(int pid)>& started);
  CommandEnd Supervise(int pid, const runners::LaunchSpec& spec);

  int wake_fd_;                 // an eventfd, so that Kill() interrupts the wait
  std::atomic<int> wanted_{0};  // 0 nothing, 1 terminate, 2 kill
};

}  // namespace dml::agent

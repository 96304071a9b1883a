#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "runners/agent/unnamed_log.h"
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
  // What has lasted for that long is shown to whoever wants to see it at work.
  static constexpr Duration kLastingAfter = Duration::Millis(20);

  // `log` is for the logs of one command after the other; none: for this one alone.
  explicit CommandRun(UnnamedLog* log = nullptr);
  ~CommandRun();
  CommandRun(const CommandRun&) = delete;
  CommandRun& operator=(const CommandRun&) = delete;

  using Hear = std::function<void(int pid)>;
  // `started` hears the process id, which is also that of the group, and so does `lasts`, if there
  // is one, after a moment.
  CommandEnd Run(const runners::LaunchSpec& spec, const Hear& started, const Hear& lasts = {});

  // kTerminate: TERM, then KILL after the grace period. kKill: KILL now.
  void Kill(runners::KillMode mode);

 private:
  CommandEnd Start(const runners::LaunchSpec& spec, const Hear& started, const Hear& lasts);
  CommandEnd Supervise(int pid, const runners::LaunchSpec& spec, const Hear& lasts);

  int wake_fd_;                 // an eventfd, so that Kill() interrupts the wait
  std::atomic<int> wanted_{0};  // 0 nothing, 1 terminate, 2 kill
  UnnamedLog own_log_;
  UnnamedLog& log_;
};

}  // namespace dml::agent

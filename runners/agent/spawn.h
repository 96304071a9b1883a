#pragma once

#include <map>
#include <string>
#include <variant>
#include <vector>

#include "base/result.h"
#include "runners/api/runner.h"

namespace dml::agent {

// The process id of a command, or why it could not start, with the exit code that a shell gives.
using SpawnedCommand = std::variant<int, runners::ExitFailure>;

// Where a command writes to instead of its log.
struct LogStandIn {
  int fd = -1;       // an open file,
  std::string path;  // or one to be opened
};

// Starts the command of `spec`: own process group, default signals, /dev/null as input, the log
// (created if needed; its folder exists) as output, or what stands in for it, the environment of
// this process plus the declared one, and its memory limit from the first instruction on.
SpawnedCommand SpawnCommand(const runners::LaunchSpec& spec, const LogStandIn& log = {});

// A worker and the head's end of the socket that connects to it.
struct SpawnedWorker {
  int pid = 0;
  int fd = -1;
};

// Starts `argv` in a session of its own, so that the terminal's signals do not reach it, with its
// end of a socket pair as file descriptor kWorkerFd.
// `env` is added to this process's environment.
Result<SpawnedWorker> SpawnWorker(const std::vector<std::string>& argv,
                                  const std::map<std::string, std::string>& env = {});

inline constexpr int kWorkerFd = 3;

}  // namespace dml::agent

#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace dml::ssh {

// A local program with pipes, for `ssh -G` and `ssh -W`.
struct Output {
  int code = -1;
  std::string out;
  std::string err;
};

inline constexpr std::size_t kSubprocessOutputMax = 1U << 20;

// Runs to its end, or kills it after `limit`, which is kCancelled; kEnvironment if it cannot be
// started.
Result<Output> RunProgram(const std::vector<std::string>& argv, Duration limit);

// A program whose standard input and output are one socket.
struct Piped {
  int pid = 0;
  int fd = -1;      // close-on-exec
  int err_fd = -1;  // its standard error
};
Result<Piped> StartPiped(const std::vector<std::string>& argv);

}  // namespace dml::ssh

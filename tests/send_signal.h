#pragma once

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/types.h>

namespace dml {

// kill() for tests; true if somebody got it. A number that is nobody's fails the test, where kill()
// would reach the group of the test (0), or everybody (-1).
inline bool SendSignal(pid_t pid, int signal) {
  if (pid > 1) return ::kill(pid, signal) == 0;
  ADD_FAILURE() << "there is no process for signal " << signal << ": " << pid;
  return false;
}

}  // namespace dml

#pragma once

#include <string>

#include "base/ids.h"
#include "base/result.h"
#include "orchestrator/engine/home.h"

namespace dml::engine {

// Ownership of a run: a lock of the kernel on <home>/runs/r<id>.lock. It ends with the process,
// however that ends, so nothing ever has to be unlocked by hand.
class RunLock {
 public:
  // kEnvironment if another process has it; the message names the process.
  static Result<RunLock> Take(const Home& home, RunId run);
  RunLock(RunLock&& other) noexcept;
  RunLock& operator=(RunLock&&) = delete;
  ~RunLock();

 private:
  RunLock(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}
  int fd_;
  std::string path_;
};

}  // namespace dml::engine

#pragma once

#include <cstdint>
#include <string>

#include "base/memory_refused.h"
#include "runners/api/runner.h"

namespace dml::agent {

// With which a worker ends whose step was refused memory where nobody could catch that.
inline constexpr int kOutOfMemoryExit = 86;

// Tells kills by the kernel's out-of-memory killer from others: it counts them for the whole
// machine. Of two processes that are killed at the same time both may be taken for its victims.
class OutOfMemoryWatch {
 public:
  OutOfMemoryWatch();
  // Whether it has killed since the construction or the last call.
  bool Struck();

 private:
  std::int64_t seen_;
};

// The end of a native task that was refused memory: says what it may use (0: no limit), what it
// needs, if `refused` knows, and what to do.
[[nodiscard]] runners::ExitFailure RefusedMemory(std::int64_t limit_bytes,
                                                 const MemoryRefused* refused = nullptr);

// Says of a failure that it was for lack of memory, and hints at it for an exit code, if
// `usage` came close to `limit_bytes` (0: none), or if the end of the log says that an allocation
// was refused, in the words of Python, C++, Java, the shell or the C library.
void JudgeMemory(std::int64_t limit_bytes, const runners::ResourceUsage& usage,
                 const std::string& log_path, runners::ExitReason& reason);

}  // namespace dml::agent

#pragma once

#include <cstdint>

#include "runners/api/runner.h"

namespace dml::agent {

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

// Says of an end by a signal that it was for lack of memory, and hints at it for an exit code, if
// `usage` came close to `limit_bytes` (0: none). What merely had one large allocation refused
// cannot be told from any other failure.
void JudgeMemory(std::int64_t limit_bytes, const runners::ResourceUsage& usage,
                 runners::ExitReason& reason);

}  // namespace dml::agent

#pragma once

#include <cstdint>
#include <string>

#include "base/clock.h"
#include "pipelines/task_decl.h"

namespace dml::core {

// Why an attempt ended without success, as far as repeating it goes. The numbers are on disk: never
// renumber.
enum class FailureKind : std::uint8_t {
  kNone = 0,
  kInvalid = 1,         // the input or the parameters are wrong: repeating cannot help
  kTask = 2,            // the task failed: the user's budget
  kInfrastructure = 3,  // a worker or node was lost: a budget of its own
  kOutOfMemory = 4,     // the user's budget; the next attempt asks for more memory
};

inline constexpr std::size_t kFailureKindCount = 5;

struct AttemptCounts {
  int task_failures = 0;  // out of memory among them
  int infrastructure_failures = 0;
  int out_of_memory = 0;

  void Add(FailureKind kind);
};

// Whether one more attempt is due after a failure already counted in `counts`.
[[nodiscard]] bool MayRetry(const pipelines::RetryPolicy& policy, FailureKind kind, int exit_code,
                            const AttemptCounts& counts);

// How long to wait before it: backoff * 2^(failures - 1), at most max_interval, times a factor in
// [1 - jitter, 1 + jitter] drawn from (seed, task, failures).
[[nodiscard]] Duration RetryDelay(const pipelines::RetryPolicy& policy, int failures,
                                  std::uint64_t seed, TaskId task);

// What the next attempt asks for: `bytes` grown once for every time it ran out of memory, at most
// what the node has (0: not known). A task without a reservation has nothing that could grow.
[[nodiscard]] std::int64_t GrownMemory(std::int64_t bytes, double growth, int out_of_memory,
                                       std::int64_t node_bytes);

}  // namespace dml::core

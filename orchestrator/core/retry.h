#pragma once

#include <cstdint>
#include <string>

#include "base/clock.h"
#include "pipelines/task_decl.h"

namespace dml::core {

// Why an attempt ended without success, as far as repeating it goes.
enum class FailureKind {
  kInvalid,         // the input or the parameters are wrong: repeating cannot help
  kTask,            // the task failed: the user's budget
  kInfrastructure,  // a worker or node was lost: dml's budget
};

struct AttemptCounts {
  int task_failures = 0;
  int infrastructure_failures = 0;
};

inline constexpr int kInfrastructureRetriesMax = 3;

// Whether one more attempt is due after a failure already counted in `counts`.
[[nodiscard]] bool MayRetry(const pipelines::RetryPolicy& policy, FailureKind kind, int exit_code,
                            const AttemptCounts& counts);

// How long to wait before it: backoff * 2^(failures - 1), at most max_interval, times a factor in
// [1 - jitter, 1 + jitter] drawn from (seed, task, failures).
[[nodiscard]] Duration RetryDelay(const pipelines::RetryPolicy& policy, int failures,
                                  std::uint64_t seed, TaskId task);

}  // namespace dml::core

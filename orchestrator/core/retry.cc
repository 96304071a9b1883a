#include "orchestrator/core/retry.h"

#include <algorithm>
#include <cmath>

#include "base/random.h"

namespace dml::core {

bool MayRetry(const pipelines::RetryPolicy& policy, FailureKind kind, int exit_code,
              const AttemptCounts& counts) {
  switch (kind) {
    case FailureKind::kInvalid:
      return false;
    case FailureKind::kInfrastructure:
      return counts.infrastructure_failures <= kInfrastructureRetriesMax;
    case FailureKind::kTask:
      break;
  }
  const bool listed =
      policy.on_exit_codes.empty() ||
      std::ranges::find(policy.on_exit_codes, exit_code) != policy.on_exit_codes.end();
  return listed && counts.task_failures <= policy.limit;
}

Duration RetryDelay(const pipelines::RetryPolicy& policy, int failures, std::uint64_t seed,
                    TaskId task) {
  const double doubled =
      static_cast<double>(policy.backoff.ns) * std::exp2(std::max(0, failures - 1));
  const double capped = std::min(doubled, static_cast<double>(policy.max_interval.ns));
  const double draw =
      Philox(seed, "retry").Uniform(task.index(), static_cast<std::uint64_t>(failures));
  return {static_cast<std::int64_t>(capped * (1 + policy.jitter * (2 * draw - 1)))};
}

}  // namespace dml::core

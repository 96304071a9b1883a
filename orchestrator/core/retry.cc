#include "orchestrator/core/retry.h"

#include <algorithm>
#include <cmath>

#include "base/random.h"

namespace dml::core {

void AttemptCounts::Add(FailureKind kind) {
  switch (kind) {
    case FailureKind::kNone:
      return;
    case FailureKind::kInfrastructure:
      ++infrastructure_failures;
      return;
    case FailureKind::kOutOfMemory:
      ++out_of_memory;
      break;
    case FailureKind::kInvalid:
    case FailureKind::kTask:
      break;
  }
  ++task_failures;
}

bool MayRetry(const pipelines::RetryPolicy& policy, FailureKind kind, int exit_code,
              const AttemptCounts& counts) {
  switch (kind) {
    case FailureKind::kNone:
    case FailureKind::kInvalid:
      return false;
    case FailureKind::kInfrastructure:
      return counts.infrastructure_failures <= policy.infrastructure_limit;
    case FailureKind::kTask:
    case FailureKind::kOutOfMemory:
      break;
  }
  const bool listed =
      policy.on_exit_codes.empty() ||
      std::ranges::find(policy.on_exit_codes, exit_code) != policy.on_exit_codes.end();
  return listed && counts.task_failures <= policy.limit;
}

Duration RetryDelay(const pipelines::RetryPolicy& policy, int failures, std::uint64_t seed,
                    TaskId task) {
  constexpr int kDoublingsMax =
      62;  // beyond all times; an infinite factor of no pause is no number
  const double doubled = static_cast<double>(policy.backoff.ns) *
                         std::exp2(std::clamp(failures - 1, 0, kDoublingsMax));
  const double capped = std::min(doubled, static_cast<double>(policy.max_interval.ns));
  const double draw =
      Philox(seed, "retry").Uniform(task.index(), static_cast<std::uint64_t>(failures));
  return {static_cast<std::int64_t>(capped * (1 + policy.jitter * (2 * draw - 1)))};
}

std::int64_t GrownMemory(std::int64_t bytes, double growth, int out_of_memory,
                         std::int64_t node_bytes) {
  if (out_of_memory == 0 || bytes == 0) return bytes;
  const double grown = static_cast<double>(bytes) * std::pow(growth, out_of_memory);
  const double most = node_bytes > 0 ? static_cast<double>(std::max(node_bytes, bytes)) : 0x1p62;
  return static_cast<std::int64_t>(std::min(grown, most));
}

}  // namespace dml::core

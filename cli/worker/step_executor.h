#pragma once

#include "plugins/api/step.h"
#include "runners/api/task_executor.h"

namespace dml::cli {

// Runs native steps out of a registry: what makes a worker of this program. A fused task is a chain
// whose intermediate outputs live in the scratch folder. One task at a time. std::bad_alloc is the
// one exception that gets out.
class StepExecutor final : public runners::TaskExecutor {
 public:
  // `registry` is borrowed. `memory_bytes` is the budget of tasks that do not ask for memory;
  // 0: none.
  explicit StepExecutor(const plugins::StepRegistry& registry, std::int64_t memory_bytes = 0)
      : registry_(registry), memory_bytes_(memory_bytes) {}

  Result<runners::TaskOutcome> Execute(const runners::LaunchSpec& spec,
                                       runners::TaskMonitor& monitor,
                                       std::stop_token stop) override;
  Result<void> CheckOutputs(const runners::LaunchSpec& spec) override;

 private:
  const plugins::StepRegistry& registry_;
  const std::int64_t memory_bytes_;
};

}  // namespace dml::cli

#pragma once

#include "plugins/api/step.h"
#include "runners/api/task_executor.h"

namespace dml::cli {

// Runs native steps out of a registry: what makes a worker of this program. A fused task is a chain
// whose intermediate outputs live in the scratch folder. One task at a time.
class StepExecutor final : public runners::TaskExecutor {
 public:
  // `registry` is borrowed.
  explicit StepExecutor(const plugins::StepRegistry& registry) : registry_(registry) {}

  Result<runners::TaskOutcome> Execute(const runners::LaunchSpec& spec,
                                       runners::TaskMonitor& monitor,
                                       std::stop_token stop) override;

 private:
  const plugins::StepRegistry& registry_;
};

}  // namespace dml::cli

#pragma once

#include <memory>
#include <string>
#include <vector>

#include "runners/agent/worker_pool.h"
#include "runners/api/runner.h"

namespace dml::local {

// How much of this machine the process may use: processors by affinity and control group, memory
// by control group or in all.
[[nodiscard]] runners::Capacity MachineCapacity();

struct LocalOptions {
  std::vector<std::string> worker_argv;
  double jobs = 0;  // processors to use; 0: all
};

// Attempts on this machine, in worker processes. Events come from one thread of its own.
class LocalRunner final : public runners::Runner {
 public:
  LocalRunner(const LocalOptions& options, runners::EventSink& sink);

  [[nodiscard]] runners::Capacity Total() const override { return capacity_; }
  Result<void> Launch(std::vector<runners::LaunchSpec> batch) override;
  void Kill(runners::AttemptKey key, runners::KillMode mode) override;
  [[nodiscard]] Result<runners::AttemptStatus> Find(runners::AttemptKey key) override;
  void Shutdown() override;

 private:
  runners::Capacity capacity_;
  agent::WorkerPool pool_;
};

}  // namespace dml::local

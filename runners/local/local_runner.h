#pragma once

#include <memory>
#include <string>
#include <vector>

#include "runners/agent/worker_pool.h"
#include "runners/api/runner.h"
#include "runners/local/disk_witness.h"

namespace dml::local {

struct LocalOptions {
  std::vector<std::string> worker_argv;
  double jobs = 0;        // processors to use; 0: all
  std::string home = {};  // whose heads these are: what dead ones left running is ended by Find()
};

// Attempts on this machine, in worker processes. Events come from one thread of its own.
class LocalRunner final : public runners::Runner {
 public:
  LocalRunner(const LocalOptions& options, runners::EventSink& sink);

  [[nodiscard]] runners::Capacity Total() const override { return capacity_; }
  Result<void> Launch(std::vector<runners::LaunchSpec> batch) override;
  void Kill(runners::AttemptKey key, runners::KillMode mode) override;
  // Unknown is a promise: no process of the attempt is left.
  [[nodiscard]] Result<runners::AttemptStatus> Find(runners::AttemptKey key) override;
  void Shutdown() override;

 private:
  runners::Capacity capacity_;
  const std::string home_;
  bool swept_ = false;
  DiskWitness witness_;
  agent::WorkerPool pool_;
};

}  // namespace dml::local

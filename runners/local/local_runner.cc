#include "runners/local/local_runner.h"

#include "runners/agent/machine.h"
#include "runners/agent/orphans.h"

namespace dml::local {

namespace {

runners::Capacity Limited(double jobs) {
  runners::Capacity capacity = agent::MachineCapacity();
  if (jobs > 0) capacity.cpus = jobs;
  return capacity;
}

std::map<std::string, std::string> WorkerEnvironment(const std::string& home) {
  if (home.empty()) return {};
  return {{agent::kOwnerVariable, agent::OwnerMark(home)}};
}

}  // namespace

LocalRunner::LocalRunner(const LocalOptions& options, runners::EventSink& sink)
    : capacity_(Limited(options.jobs)),
      home_(options.home),
      witness_(options.home.empty() ? "" : options.home + "/runs", sink),
      pool_({options.worker_argv, capacity_.cpus, WorkerEnvironment(options.home)}, witness_) {}

Result<void> LocalRunner::Launch(std::vector<runners::LaunchSpec> batch) {
  pool_.Launch(std::move(batch));
  return {};
}

void LocalRunner::Kill(runners::AttemptKey key, runners::KillMode mode) { pool_.Kill(key, mode); }

Result<runners::AttemptStatus> LocalRunner::Find(runners::AttemptKey key) {
  runners::AttemptStatus status = pool_.Find(key);
  if (!std::holds_alternative<runners::AttemptUnknown>(status) || home_.empty() || swept_) {
    return status;
  }
  DML_RETURN_IF_ERROR(agent::EndOrphans(home_));
  swept_ = true;
  return status;
}

void LocalRunner::Shutdown() { pool_.Shutdown(); }

}  // namespace dml::local

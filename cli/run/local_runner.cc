#include "cli/run/local_runner.h"

#include <algorithm>
#include <string>

#include "runners/agent/machine.h"
#include "runners/local/local_runner.h"

namespace dml::cli {

int TasksAtOnce(int jobs) {
  return std::max(1, jobs > 0 ? jobs : static_cast<int>(agent::MachineCapacity().cpus));
}

std::int64_t MemoryShare(int tasks) {
  return agent::MachineCapacity().memory_bytes / 4 * 3 / tasks;
}

Result<std::unique_ptr<runners::Runner>> MakeLocalRunner(int jobs, const std::string& home,
                                                         runners::EventSink& events) {
  local::LocalOptions options;
  // Not a path: a program that is replaced while it runs still starts workers of its own version.
  options.worker_argv = {"/proc/self/exe", "worker", "--tasks", std::to_string(TasksAtOnce(jobs))};
  options.jobs = jobs;
  options.home = home;
  return std::unique_ptr<runners::Runner>(std::make_unique<local::LocalRunner>(options, events));
}

}  // namespace dml::cli

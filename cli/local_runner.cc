#include "cli/local_runner.h"

#include "runners/local/local_runner.h"

namespace dml::cli {

Result<std::unique_ptr<runners::Runner>> MakeLocalRunner(int jobs, runners::EventSink& events) {
  local::LocalOptions options;
  // Not a path: a program that is replaced while it runs still starts workers of its own version.
  options.worker_argv = {"/proc/self/exe", "worker"};
  options.jobs = jobs;
  return std::unique_ptr<runners::Runner>(std::make_unique<local::LocalRunner>(options, events));
}

}  // namespace dml::cli

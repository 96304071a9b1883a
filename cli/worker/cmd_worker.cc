#include "cli/worker/cmd_worker.h"

#include <fcntl.h>

#include <memory>

#include "cli/pipeline/steps_registry.h"
#include "cli/run/local_runner.h"
#include "cli/worker/step_executor.h"
#include "runners/agent/spawn.h"
#include "runners/agent/worker_loop.h"

namespace dml::cli {

Action SetupWorker(Args& args, CommonOptions&) {
  const auto tasks = std::make_shared<int>(1);
  args.Number("--tasks", "N", *tasks, 1, 1'000'000, "tasks that share this machine");
  args.Describe("Started by dml itself; speaks frames on file descriptor 3.");
  return [tasks](Output&) -> Result<ExitCode> {
    // A command that outlives a killed worker must not hold its channel open: the orchestrator
    // learns of the death by the end of the stream.
    ::fcntl(agent::kWorkerFd, F_SETFD, FD_CLOEXEC);
    StepExecutor executor(BuiltinSteps(), MemoryShare(*tasks));
    return static_cast<ExitCode>(agent::ServeWorker(agent::kWorkerFd, executor));
  };
}

}  // namespace dml::cli

#include "cli/cmd_worker.h"

#include <fcntl.h>

#include "cli/step_executor.h"
#include "cli/steps_registry.h"
#include "runners/agent/spawn.h"
#include "runners/agent/worker_loop.h"

namespace dml::cli {

Action SetupWorker(Args& args, CommonOptions&) {
  args.Describe("Started by dml itself; speaks frames on file descriptor 3.");
  return [](Output&) -> Result<ExitCode> {
    // A command that outlives a killed worker must not hold its channel open: the orchestrator
    // learns of the death by the end of the stream.
    ::fcntl(agent::kWorkerFd, F_SETFD, FD_CLOEXEC);
    StepExecutor executor(BuiltinSteps());
    return static_cast<ExitCode>(agent::ServeWorker(agent::kWorkerFd, executor));
  };
}

}  // namespace dml::cli

#include "cli/run/drive_run.h"

#include <signal.h>

#include <atomic>
#include <stop_token>
#include <string>
#include <thread>

#include "base/crash_point.h"
#include "cli/cluster/cluster_file.h"
#include "cli/cluster/node_names.h"
#include "cli/display/progress_display.h"
#include "cli/hooks/run_hooks.h"
#include "cli/run/local_runner.h"
#include "cli/run/run_summary.h"
#include "cli/signals.h"

namespace dml::cli {

namespace {

// A person at the terminal who asks again has lost patience. Nobody else means more by asking
// twice: two `dml stop` at the same time, `timeout`, which asks the command and then its group, the
// end of a terminal, which is said by the system and by its shell.
bool IsUrgent(int signal, int count) {
  return signal == kStopNow || (signal == SIGINT && count > 1);
}

std::string StoppingText(int signal) {
  return std::string("stopping: tasks get a moment to end; ") +
         (signal == SIGINT ? "once more to kill them now" : "`dml stop RUN --now` kills them now");
}

ExitCode CodeOf(const engine::RunResult& result, int signal) {
  if (result.outcome == state::RunOutcome::kSucceeded) return ExitCode::kDone;
  if (signal == SIGINT) return ExitCode::kInterrupted;
  if (signal == SIGTERM || signal == SIGHUP || signal == kStopNow) return ExitCode::kTerminated;
  return result.outcome == state::RunOutcome::kCancelled ? ExitCode::kInterrupted
         : result.invalid_input                          ? ExitCode::kUsage
         : result.environment                            ? ExitCode::kInfrastructure
                                                         : ExitCode::kTaskFailed;
}

}  // namespace

Result<ExitCode> DriveRun(const engine::Home& home, const OpenedPipeline& pipeline,
                          const engine::RunOptions& options, std::optional<RunId> unfinished,
                          const Output& output, const std::function<void(RunId)>& began) {
  DML_RETURN_IF_ERROR(RequireNodes(pipeline.expanded, options.cluster, output));
  // Whoever closes the pipe that progress goes to has read enough; the run goes on.
  ::signal(SIGPIPE, SIG_IGN);
  const SystemClock clock;
  const int jobs =
      options.jobs > 0 ? options.jobs : static_cast<int>(std::thread::hardware_concurrency());
  ProgressDisplay display(output, clock, jobs);
  display.set_began(began);
  engine::RunOptions with_hooks = options;
  with_hooks.hooks = !pipeline.hooks.empty();
  engine::RunSession session(home, pipeline.expanded, with_hooks, clock, display);
  DML_TRY(const std::unique_ptr<runners::Runner> runner,
          options.cluster.empty()
              ? MakeLocalRunner(options.jobs, home.path(), session.events())
              : MakeClusterRunner(
                    options.cluster, options.jobs, home.path(), output,
                    [&display](const std::string& text) { display.Say(text); }, session.events()));

  // From here on a signal is a request to the run, not the end of the process.
  std::atomic<bool> over = false;
  std::stop_source hooks;
  SignalWatcher signals([&](int signal, int count) {
    if (over) {
      if (GivesUpHooks(signal)) hooks.request_stop();
      return;
    }
    const bool at_once = IsUrgent(signal, count);
    if (count > 1 && !at_once) return;
    display.Say(at_once ? "killing" : StoppingText(signal));
    session.Cancel(at_once);
  });
  const Result<engine::RunResult> result =
      unfinished ? session.Resume(*unfinished, *runner) : session.Run(*runner);
  runner->Shutdown();
  over = true;
  const int stopped_by = signals.first_signal();
  display.Close();
  if (!result.ok()) return result.error();
  DML_RETURN_IF_ERROR(PrintSummary(home, pipeline.expanded, *result, output));
  CrashPoint("hooks.due");
  RunHooks(home, pipeline, result->run, hooks.get_token(), output);
  return CodeOf(*result, stopped_by);
}

}  // namespace dml::cli

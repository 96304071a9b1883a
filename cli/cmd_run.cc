#include "cli/cmd_run.h"

#include <signal.h>

#include <thread>

#include "cli/local_runner.h"
#include "cli/plan_text.h"
#include "cli/progress_display.h"
#include "cli/run_options.h"
#include "cli/run_summary.h"
#include "cli/signals.h"

namespace dml::cli {

namespace {

ExitCode CodeOf(const engine::RunResult& result, int signal) {
  if (result.outcome == state::RunOutcome::kSucceeded) return ExitCode::kDone;
  if (signal == SIGINT) return ExitCode::kInterrupted;
  if (signal == SIGTERM) return ExitCode::kTerminated;
  return result.outcome == state::RunOutcome::kCancelled ? ExitCode::kInterrupted
         : result.invalid_input                          ? ExitCode::kUsage
                                                         : ExitCode::kTaskFailed;
}

Result<ExitCode> RunRun(const RunArgs& args, const std::string& home_flag, const Output& output) {
  if (args.dry_run) return PrintPlan(args, home_flag, output);
  DML_TRY(const OpenedPipeline opened, OpenPipeline(args.pipeline, output));
  DML_TRY(const engine::Home home, OpenHome(home_flag));
  const SystemClock clock;
  const int jobs =
      args.jobs > 0 ? args.jobs : static_cast<int>(std::thread::hardware_concurrency());
  ProgressDisplay display(output, clock, jobs);
  engine::RunSession session(home, opened.expanded, EngineOptions(args, opened), clock, display);
  DML_TRY(const std::unique_ptr<runners::Runner> runner,
          MakeLocalRunner(args.jobs, session.events()));

  // From here on a signal is a request to the run, not the end of the process.
  SignalWatcher signals([&](int, int count) {
    display.Say(count == 1 ? "stopping: tasks get a moment to end; once more to kill them now"
                           : "killing");
    session.Cancel(/*at_once=*/count > 1);
  });
  const Result<engine::RunResult> result = session.Run(*runner);
  runner->Shutdown();
  display.Close();
  if (!result.ok()) return result.error();
  DML_RETURN_IF_ERROR(PrintSummary(home, opened.expanded, *result, output));
  return CodeOf(*result, signals.first_signal());
}

}  // namespace

Action SetupRun(Args& args, CommonOptions& common) {
  auto options = std::make_shared<RunArgs>();
  AddRunArgs(args, *options);
  args.Flag("--concurrent", options->concurrent,
            "run although another run of this pipeline is going on");
  args.Flag("-n,--dry-run", options->dry_run, "show the plan and stop");
  args.Describe(
      "Runs what is not up to date, and reuses the rest. After a failure or Ctrl-C the same\n"
      "command continues where it stopped.");
  args.Example("dml run pipeline.yaml", "run what is not up to date");
  args.Example("dml run -S seed=7 -j 4", "another parameter, at most 4 cores");
  args.Example("dml run --from model", "again from a step on");
  args.Example("dml run -n", "only show what would run, and why");
  return [options, &common](Output& output) { return RunRun(*options, common.home, output); };
}

}  // namespace dml::cli

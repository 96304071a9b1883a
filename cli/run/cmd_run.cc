#include "cli/run/cmd_run.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/files.h"
#include "cli/hooks/run_hooks.h"
#include "cli/run/drive_run.h"
#include "cli/run/plan_text.h"
#include "cli/run/resource_check.h"
#include "cli/run/run_options.h"

namespace dml::cli {

namespace {

// Ends this process with the one that asked for it, which alone would hear of the run. Of the
// thread that it was made on.
class Tie {
 public:
  // False if that one is dead already.
  static bool To(int parent) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    return ::getppid() == parent;
  }
  static void Cut() { ::prctl(PR_SET_PDEATHSIG, 0); }
};

Result<ExitCode> RunRun(const RunArgs& args, const std::string& home_flag, const Output& output) {
  if (args.dry_run) return PrintPlan(args, home_flag, output);
  if (args.parent != 0 && !Tie::To(args.parent)) {
    return Error::Task(fmt::format("process {}, which asked for the run, is gone", args.parent));
  }
  DML_TRY(const OpenedPipeline opened, OpenPipeline(args.pipeline, output));
  DML_TRY(const engine::Home home, OpenHome(home_flag));
  engine::RunOptions options = EngineOptions(args, opened);
  options.once = args.once;
  DML_RETURN_IF_ERROR(RequireRoom(home, opened, options, SystemClock(), output));
  if (!opened.hooks.empty()) {
    DML_TRY(std::ignore, RunDueHooks(home, {{}, opened.expanded.file}, output));
  }
  const auto began = [&](RunId run) {
    if (args.parent != 0) Tie::Cut();
    if (args.id_file.empty()) return;
    const auto written = WriteFileAtomic(args.id_file, fmt::format("r{}\n", run.value));
    if (!written.ok()) output.Warn(written.error().message);
  };
  return DriveRun(home, opened, options, std::nullopt, output, began);
}

}  // namespace

Action SetupRun(Args& args, CommonOptions& common) {
  auto options = std::make_shared<RunArgs>();
  AddRunArgs(args, *options);
  args.Flag("--concurrent", options->concurrent,
            "run although another run of this pipeline is going on");
  args.Value("--id-file", "FILE", options->id_file,
             "write the name of the run there as soon as it has one");
  args.Value("--once", "KEY", options->once,
             "begin no second run with this key: exit code 4 if there is one, and its name");
  args.Number("--parent", "PID", options->parent, 1, 2'000'000'000,
              "end with this process, which started this one, if the run has not begun yet");
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

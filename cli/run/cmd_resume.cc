#include "cli/run/cmd_resume.h"

#include <fmt/format.h>

#include <tuple>

#include "cli/hooks/run_hooks.h"
#include "cli/inspect/runs.h"
#include "cli/run/drive_run.h"
#include "cli/run/run_options.h"
#include "cli/schedule/schedule_home.h"
#include "orchestrator/engine/run_request.h"
#include "orchestrator/state/run_store.h"
#include "orchestrator/state/run_view.h"

namespace dml::cli {

namespace {

struct ResumeOptions {
  std::string run;
  int jobs = 0;
};

Result<std::optional<RunId>> Choose(state::RunStore& store, std::optional<RunId> wanted) {
  if (wanted) return wanted;
  return store.NewestUnfinished();
}

// A run that a schedule began, and that was stopped or failed there, counts for its slot.
Result<void> TellSlot(const std::string& home_flag, RunId run) {
  DML_TRY(std::optional<OpenedSchedules> schedules, FindSchedules(home_flag));
  if (!schedules) return {};
  DML_TRY(state::RunView view, state::RunView::Open(schedules->home));
  DML_TRY(const state::RunSummary summary, view.Find(fmt::format("r{}", run.value)));
  const bool succeeded = summary.outcome == "succeeded";
  if (!succeeded && summary.outcome != "failed") return {};
  const auto outcome = succeeded ? state::SlotState::kSucceeded : state::SlotState::kFailed;
  return schedules->store.Follow(run, outcome, SystemClock().Wall());
}

Result<ExitCode> RunResume(const ResumeOptions& options, const std::string& home_flag,
                           const Output& output) {
  // Asked before it is opened to be written: an empty one would count as new from then on.
  DML_TRY(const std::string folder, HomePath(home_flag));
  DML_TRY(std::ignore, state::RunView::Open(folder));
  DML_TRY(const engine::Home home, OpenHome(home_flag));
  DML_TRY(state::RunStore store, state::RunStore::Open(home.DatabasePath()));
  std::optional<RunId> only;
  bool ended = false;
  if (!options.run.empty()) {
    DML_TRY(const OpenedRun opened, OpenRun(home_flag, options.run));
    only = opened.run.id;
    ended = opened.run.outcome == state::RunOutcomeName(state::RunOutcome::kSucceeded) ||
            opened.run.outcome == state::RunOutcomeName(state::RunOutcome::kFailed);
  }
  DML_TRY(const std::vector<RunId> told, RunDueHooks(home, {only}, output));
  DML_TRY(const std::optional<RunId> run_or_none, Choose(store, only));
  if (!told.empty() && (ended || !run_or_none)) return ExitCode::kDone;
  if (!run_or_none) {
    return Error::Invalid(
        "there is no unfinished run",
        "`dml run` starts one; `dml retry` runs what failed again; `dml resume r1` "
        "goes on even with a run that a later one has made up for");
  }
  const RunId run = *run_or_none;
  DML_TRY(const state::RunHeader header, store.Header(run));
  DML_TRY(engine::RunRequest request, engine::RequestFromJson(header.options));
  DML_TRY(const OpenedPipeline pipeline,
          ReopenPipeline(header.file, request.sets, request.sources, output, request.at));
  if (options.jobs > 0) request.options.jobs = options.jobs;
  // Not before the run is ours: another process may be at it.
  const auto began = [&](RunId id) {
    output.Note(fmt::format("resuming r{} ({})", id.value, Harmless(header.name)));
  };
  DML_TRY(const ExitCode code, DriveRun(home, pipeline, request.options, run, output, began));
  DML_RETURN_IF_ERROR(TellSlot(home_flag, run));
  return code;
}

}  // namespace

Action SetupResume(Args& args, CommonOptions& common) {
  auto options = std::make_shared<ResumeOptions>();
  args.Positional("RUN", options->run, /*required=*/false,
                  "r12, or latest (default: the newest unfinished run)");
  args.Number("-j,--jobs", "N", options->jobs, 1, 10'000,
              "cores to use at once (default: as the run began)");
  args.Describe(
      "Goes on with a run that was stopped, whose process died, or whose disk, workers or nodes\n"
      "were at fault, with the pipeline and the parameters it began with. Finished tasks are not\n"
      "repeated. Hooks that a killed run did not get to are run first.");
  args.Example("dml resume", "the newest unfinished run");
  args.Example("dml resume r12", "that one");
  return [options, &common](Output& output) { return RunResume(*options, common.home, output); };
}

}  // namespace dml::cli

#include <fmt/format.h>

#include "cli/schedule/cmd_schedule.h"
#include "cli/schedule/schedule_home.h"
#include "orchestrator/schedule/timekeeper.h"

namespace dml::cli {

namespace {

struct PauseOptions {
  std::string name;
  std::string reason = "by hand";
};

// What has passed until now is judged by what held until now.
Result<ExitCode> SetPaused(const PauseOptions& options, bool paused, const std::string& home_flag,
                           const Output& output) {
  DML_TRY(OpenedSchedules schedules, OpenSchedules(home_flag));
  DML_TRY(const state::ScheduleRow row, schedules.store.Find(options.name));
  const bool changes = row.paused != paused;
  if (changes) {
    const WallTime now = SystemClock().Wall();
    DML_RETURN_IF_ERROR(schedule::BringUpToDate(schedules.store, row.id, now,
                                                DaemonThereSince(schedules.home, now)));
    DML_TRY(state::Transaction transaction, schedules.store.Begin());
    DML_RETURN_IF_ERROR(
        schedules.store.SetPaused(row.id, paused, paused ? options.reason : std::string()));
    DML_RETURN_IF_ERROR(schedules.store.Log(
        row.id, now, paused ? "paused: " + options.reason : std::string("resumed")));
    DML_RETURN_IF_ERROR(transaction.Commit());
  }
  if (output.format() == Format::kJson) {
    output.PrintJson({{"schedule", row.name}, {"paused", paused}, {"changed", changes}});
  } else {
    output.Print(fmt::format("{} {}{}\n", Harmless(row.name), changes ? "" : "was already ",
                             paused ? "paused" : "active"));
  }
  if (!paused) AdviseDaemon(schedules.home, output);
  return ExitCode::kDone;
}

}  // namespace

Action SetupSchedulePause(Args& args, CommonOptions& common) {
  auto options = std::make_shared<PauseOptions>();
  args.Positional("NAME", options->name, /*required=*/true, "of the schedule");
  args.Value("--reason", "TEXT", options->reason, "for the history (default: by hand)");
  args.Describe("Slots that pass meanwhile are recorded as skipped. What runs goes on.");
  args.Example("dml schedule pause nightly --reason 'disk is being replaced'", "until resume");
  return [options, &common](Output& output) {
    return SetPaused(*options, /*paused=*/true, common.home, output);
  };
}

Action SetupScheduleResume(Args& args, CommonOptions& common) {
  auto options = std::make_shared<PauseOptions>();
  args.Positional("NAME", options->name, /*required=*/true, "of the schedule");
  args.Describe(
      "Slots that passed during the pause stay skipped; `dml schedule backfill` runs them.");
  args.Example("dml schedule resume nightly", "from the next slot on");
  return [options, &common](Output& output) {
    return SetPaused(*options, /*paused=*/false, common.home, output);
  };
}

}  // namespace dml::cli

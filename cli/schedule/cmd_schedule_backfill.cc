#include <fmt/format.h>

#include "base/quantity.h"
#include "cli/schedule/cmd_schedule.h"
#include "cli/schedule/schedule_home.h"
#include "orchestrator/schedule/backfill.h"
#include "orchestrator/schedule/time_text.h"
#include "orchestrator/schedule/timekeeper.h"

namespace dml::cli {

namespace {

struct BackfillOptions {
  std::string name;
  std::string from;
  std::string to;
  int parallel = 1;
  bool newest_first = false;
  bool again = false;
  bool dry_run = false;
};

Result<schedule::BackfillRequest> RequestOf(const BackfillOptions& options,
                                            const schedule::TimeZone& zone, WallTime now) {
  if (options.from.empty()) {
    return Error::Invalid("'dml schedule backfill' needs --from",
                          "such as --from 2026-11-01 --to 2026-11-07T23:59");
  }
  schedule::BackfillRequest request;
  DML_TRY(request.from, schedule::ParseTime(options.from, zone));
  request.to = now;
  if (!options.to.empty()) {
    DML_TRY(request.to, schedule::ParseTime(options.to, zone));
  }
  if (now < request.to) {
    return Error::Invalid("--to lies in the future", "slots to come start by themselves");
  }
  if (request.to < request.from) return Error::Invalid("--to is before --from");
  request.parallel = options.parallel;
  request.newest_first = options.newest_first;
  request.again = options.again;
  request.dry_run = options.dry_run;
  return request;
}

Result<ExitCode> RunBackfill(const BackfillOptions& options, const std::string& home_flag,
                             const Output& output) {
  DML_TRY(OpenedSchedules schedules, OpenSchedules(home_flag));
  DML_TRY(const state::ScheduleRow row, schedules.store.Find(options.name));
  DML_TRY(const schedule::Policy policy, schedule::ReadPolicy(row.policy));
  const WallTime now = SystemClock().Wall();
  DML_TRY(const schedule::BackfillRequest request,
          RequestOf(options, policy.timetable.zone(), now));
  DML_RETURN_IF_ERROR(
      schedule::BringUpToDate(schedules.store, row.id, now, DaemonThereSince(schedules.home, now)));
  DML_TRY(const schedule::BackfillPlan plan,
          schedule::Backfill(schedules.store, row, policy, request));
  if (output.format() == Format::kJson) {
    output.PrintJson({{"schedule", row.name},
                      {"from", FormatUtc(request.from)},
                      {"to", FormatUtc(request.to)},
                      {"to_run", plan.to_run},
                      {"succeeded", plan.succeeded},
                      {"open", plan.open},
                      {"dry_run", request.dry_run}});
  } else {
    output.Print(fmt::format("{} slots {}; {} had succeeded, {} were open already\n", plan.to_run,
                             request.dry_run ? "would run" : "wait for their turn", plan.succeeded,
                             plan.open));
  }
  if (!request.dry_run && row.paused && plan.to_run + plan.open > 0) {
    output.Note(fmt::format("{} is paused ({}): they wait until `dml schedule resume {}`",
                            Harmless(row.name), Harmless(row.paused_reason), Harmless(row.name)));
  }
  if (!request.dry_run && plan.to_run > 0) AdviseDaemon(schedules.home, output);
  return ExitCode::kDone;
}

}  // namespace

Action SetupScheduleBackfill(Args& args, CommonOptions& common) {
  auto options = std::make_shared<BackfillOptions>();
  args.Positional("NAME", options->name, /*required=*/true, "of the schedule");
  args.Value("--from", "TIME", options->from, "the first slot, in the zone of the schedule");
  args.Value("--to", "TIME", options->to, "the last slot (default: now)");
  args.Number("-p,--parallel", "N", options->parallel, 1, 100, "runs at once (default: 1)");
  args.Flag("--newest-first", options->newest_first, "in this order");
  args.Flag("--again", options->again, "also those that have succeeded");
  args.Flag("-n,--dry-run", options->dry_run, "only count them");
  args.Describe(
      "Slots that never ran, failed, were cancelled or were skipped wait for their turn; the\n"
      "daemon runs them beside those on time. ${schedule.time} is the time of each slot.");
  args.Example("dml schedule backfill nightly --from 2026-11-01 --to 2026-11-07T23:59",
               "the nights of a week");
  args.Example("dml schedule backfill nightly --from 2026-11-01 -n", "how many that would be");
  return [options, &common](Output& output) { return RunBackfill(*options, common.home, output); };
}

}  // namespace dml::cli

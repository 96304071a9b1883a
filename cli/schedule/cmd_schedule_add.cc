#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "cli/cluster/cluster_file.h"
#include "cli/cluster/node_names.h"
#include "cli/pipeline/pipeline_file.h"
#include "cli/schedule/cmd_schedule.h"
#include "cli/schedule/schedule_home.h"
#include "orchestrator/schedule/time_text.h"
#include "orchestrator/schedule/timekeeper.h"

namespace dml::cli {

namespace {

struct AddOptions {
  PipelineArgs pipeline;
  std::string name;
  std::string cron;
  std::string timezone;
  std::string cluster;
};

// What `schedule:` says, with what the command line says instead.
Result<Json> BoundPolicy(const OpenedPipeline& opened, const AddOptions& options) {
  Json policy = opened.schedule;
  if (policy.is_null() && options.cron.empty()) {
    return Error::Invalid(
        "'" + opened.path + "' says nothing of when it should run",
        "add to it, for example, schedule: {cron: \"0 2 * * *\"}; or give --cron");
  }
  if (policy.is_null()) policy = Json::object();
  if (!options.cron.empty()) {
    policy["cron"] = options.cron;
    policy.erase("every");
  }
  if (!options.timezone.empty()) policy["timezone"] = options.timezone;
  return policy;
}

Result<std::string> NameOf(const AddOptions& options, const std::string& pipeline) {
  std::string name = options.name.empty() ? pipeline : options.name;
  const bool plain =
      !name.empty() && !name.starts_with('-') && std::ranges::none_of(name, [](char c) {
        return static_cast<unsigned char>(c) <= ' ' || c == '/' || c == 0x7f;
      });
  if (plain) return name;
  return Error::Invalid(fmt::format("'{}' cannot be the name of a schedule", Harmless(name)),
                        "give one without spaces and slashes: --name nightly");
}

// An old schedule of the same name and file takes the new rules; what has passed is judged by the
// old ones first.
Result<bool> Update(OpenedSchedules& schedules, const state::ScheduleRow& wanted) {
  state::ScheduleStore& store = schedules.store;
  DML_TRY(const std::vector<state::ScheduleRow> known, store.Schedules());
  for (const state::ScheduleRow& old : known) {
    if (old.name != wanted.name || old.file != wanted.file) continue;
    DML_RETURN_IF_ERROR(schedule::BringUpToDate(store, old.id, wanted.created,
                                                DaemonThereSince(schedules.home, wanted.created)));
    DML_RETURN_IF_ERROR(store.SetRules(old.id, wanted));
    DML_RETURN_IF_ERROR(store.Log(old.id, wanted.created, "changed by dml schedule add"));
    return true;
  }
  return false;
}

// One that was removed comes back with its history: a slot has one row for ever.
Result<bool> ComesBack(state::ScheduleStore& store, const state::ScheduleRow& wanted) {
  DML_TRY(state::Transaction transaction, store.Begin());
  DML_TRY(const std::optional<state::ScheduleId> old, store.Readopt(wanted));
  if (!old) return false;
  DML_RETURN_IF_ERROR(store.Log(*old, wanted.created, "added again"));
  DML_RETURN_IF_ERROR(transaction.Commit());
  return true;
}

Result<ExitCode> RunAdd(const AddOptions& options, const std::string& home_flag,
                        const Output& output) {
  DML_TRY(const OpenedPipeline opened, OpenPipeline(options.pipeline, output));
  state::ScheduleRow row;
  DML_TRY(row.name, NameOf(options, opened.expanded.name));
  DML_TRY(row.policy, BoundPolicy(opened, options));
  DML_TRY(const schedule::Policy policy, schedule::ReadPolicy(row.policy));
  std::error_code problem;
  row.file = std::filesystem::absolute(opened.path, problem).lexically_normal().string();
  row.sets = options.pipeline.sets;
  if (!options.cron.empty()) row.overrides["cron"] = options.cron;
  if (!options.timezone.empty()) row.overrides["timezone"] = options.timezone;
  if (!options.cluster.empty()) {
    // What is wrong with it is said now, not in the night.
    DML_TRY([[maybe_unused]] const ssh::Cluster cluster,
            OpenCluster({options.cluster, {}}, output));
    row.overrides["cluster"] = row.policy["cluster"] =
        std::filesystem::absolute(options.cluster, problem).lexically_normal().string();
  }
  DML_RETURN_IF_ERROR(RequireNodes(opened.expanded, options.cluster, output));
  row.created = row.cursor = SystemClock().Wall();
  DML_TRY(OpenedSchedules schedules, MakeSchedules(home_flag));
  DML_TRY(const bool updated, Update(schedules, row));
  bool back = false;
  if (!updated) {
    DML_TRY(back, ComesBack(schedules.store, row));
  }
  if (!updated && !back) {
    DML_TRY([[maybe_unused]] const state::ScheduleId id, schedules.store.Add(row));
  }
  const std::optional<WallTime> next = policy.timetable.Next(row.created);
  const Json next_text = next ? Json(schedule::FormatIn(policy.timetable.zone(), *next)) : Json();
  if (output.format() == Format::kJson) {
    output.PrintJson({{"schedule", row.name},
                      {"file", row.file},
                      {"when", policy.timetable.Text()},
                      {"timezone", policy.timetable.zone().name()},
                      {"next", next_text},
                      {"updated", updated},
                      {"added_again", back}});
  } else {
    output.Print(fmt::format("{} {}: {} in {}, next {}\n", Harmless(row.name),
                             updated ? "changed"
                             : back  ? "scheduled again"
                                     : "scheduled",
                             policy.timetable.Text(), policy.timetable.zone().name(),
                             next ? next_text.get<std::string>() : "never"));
  }
  if (back) output.Note("its history is kept: what has run then does not run again by itself");
  AdviseDaemon(schedules.home, output);
  return ExitCode::kDone;
}

struct RmOptions {
  std::string name;
};

Result<ExitCode> RunRm(const RmOptions& options, const std::string& home_flag,
                       const Output& output) {
  DML_TRY(OpenedSchedules schedules, OpenSchedules(home_flag));
  DML_TRY(const state::ScheduleRow row, schedules.store.Find(options.name));
  const WallTime now = SystemClock().Wall();
  DML_RETURN_IF_ERROR(
      schedule::BringUpToDate(schedules.store, row.id, now, DaemonThereSince(schedules.home, now)));
  DML_TRY(state::Transaction transaction, schedules.store.Begin());
  DML_TRY(const std::vector<state::SlotRow> open, schedules.store.OpenSlots(row.id));
  int running = 0;
  for (const state::SlotRow& slot : open) {
    running += IsActive(slot.state) ? 1 : 0;
    if (slot.state != state::SlotState::kWaiting) continue;
    state::SlotMove move;
    move.slot = slot.id;
    move.starts = slot.starts;
    move.to = state::SlotState::kSkipped;
    move.reason = "the schedule was removed";
    move.now = now;
    DML_TRY([[maybe_unused]] const bool moved, schedules.store.Move(move));
  }
  DML_RETURN_IF_ERROR(schedules.store.Remove(row.id));
  DML_RETURN_IF_ERROR(schedules.store.Log(row.id, now, "removed"));
  DML_RETURN_IF_ERROR(transaction.Commit());
  if (output.format() == Format::kJson) {
    output.PrintJson({{"schedule", row.name}, {"removed", true}, {"running", running}});
    return ExitCode::kDone;
  }
  output.Print(fmt::format("{} removed; its history stays\n", Harmless(row.name)));
  if (running > 0) output.Note(fmt::format("{} of its runs still go on", running));
  return ExitCode::kDone;
}

}  // namespace

Action SetupScheduleAdd(Args& args, CommonOptions& common) {
  auto options = std::make_shared<AddOptions>();
  AddPipelineArgs(args, options->pipeline);
  args.Value("--name", "NAME", options->name, "of the schedule (default: that of the pipeline)");
  args.Value("--cron", "EXPRESSION", options->cron, "instead of what schedule: says");
  args.Value("--timezone", "ZONE", options->timezone, "instead of what schedule: says");
  args.Value("--cluster", "FILE", options->cluster, "run on the nodes of this inventory");
  args.Describe(
      "Takes up the pipeline with the rules of its schedule: block; see docs/schedules.md. Done\n"
      "again for the same name and file it replaces the rules; one that was removed comes back "
      "with\n"
      "its history. Slots begin from now on.");
  args.Example("dml schedule add pipeline.yaml", "as schedule: in the file says");
  args.Example("dml schedule add p.yaml --cron '0 2 * * MON-FRI' --timezone Europe/Berlin",
               "weekdays at two in the night");
  args.Example("dml schedule add p.yaml -S region=eu --name eu", "one file, two schedules");
  return [options, &common](Output& output) { return RunAdd(*options, common.home, output); };
}

Action SetupScheduleRm(Args& args, CommonOptions& common) {
  auto options = std::make_shared<RmOptions>();
  args.Positional("NAME", options->name, /*required=*/true, "of the schedule");
  args.Describe("What runs goes on; what waits is skipped. The history is kept.");
  args.Example("dml schedule rm nightly", "no more of it");
  return [options, &common](Output& output) { return RunRm(*options, common.home, output); };
}

}  // namespace dml::cli

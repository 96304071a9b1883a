#include "cli/schedule/schedule_home.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "base/files.h"
#include "base/presence.h"
#include "base/quantity.h"
#include "cli/inspect/runs.h"
#include "cli/pipeline/pipeline_file.h"
#include "cli/run/run_options.h"
#include "orchestrator/engine/file_lock.h"

namespace dml::cli {

namespace {

std::string Absolute(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::absolute(path, ignored).lexically_normal().string();
}

Json TimeOrNull(const std::optional<WallTime>& time) {
  return time ? Json(FormatUtc(*time)) : Json();
}

}  // namespace

std::string SchedulePath(const std::string& home) { return home + "/schedule.db"; }

std::string SlotLogPath(const std::string& home, state::SlotId slot) {
  return fmt::format("{}/schedule/slot-{}.log", home, slot.value);
}

std::string SlotRunPath(const std::string& home, state::SlotId slot) {
  return fmt::format("{}/schedule/slot-{}.run", home, slot.value);
}

std::string SlotLockPath(const std::string& home, state::SlotId slot) {
  return fmt::format("{}/locks/slot-{}", home, slot.value);
}

std::string DaemonLockPath(const std::string& home) { return home + "/locks/schedule"; }

// The time makes it that of these schedules: those that were added to a new file count from 1.
std::string SlotKey(const state::ScheduleRow& schedule, const state::SlotRow& slot) {
  return fmt::format("slot {}.{} of {}", slot.id.value, slot.starts - slot.lost,
                     FormatUtc(schedule.created));
}

std::string WhyFileIsInvalid(const state::ScheduleRow& schedule) {
  std::error_code ignored;
  if (!std::filesystem::exists(schedule.file, ignored)) return "'" + schedule.file + "' is gone";
  std::string path;
  const auto loaded = LoadNamedPipeline({schedule.file, schedule.sets, {}}, path);
  if (!loaded.ok()) return "'" + schedule.file + "' is invalid now: " + loaded.error().message;
  if (loaded->ok()) return {};
  const pipelines::Diagnostic& first = loaded->diagnostics.front();
  return fmt::format(
      "'{}' is invalid now: line {}: {}{}", schedule.file, first.where.line, first.message,
      loaded->diagnostics.size() > 1 ? fmt::format(", and {} more", loaded->diagnostics.size() - 1)
                                     : "");
}

Result<OpenedSchedules> MakeSchedules(const std::string& home_flag) {
  DML_TRY(const engine::Home home, OpenHome(home_flag));
  const std::string path = Absolute(home.path());
  DML_RETURN_IF_ERROR(MakeDirectories(path + "/schedule"));
  DML_TRY(state::ScheduleStore store, state::ScheduleStore::Open(SchedulePath(path)));
  return OpenedSchedules{path, std::move(store)};
}

Result<std::optional<OpenedSchedules>> FindSchedules(const std::string& home_flag) {
  DML_TRY(const std::string home, HomePath(home_flag));
  DML_TRY(const bool there, IsThere(SchedulePath(home)));
  if (!there) return std::optional<OpenedSchedules>();
  DML_TRY(OpenedSchedules schedules, MakeSchedules(home));
  return std::optional(std::move(schedules));
}

Result<std::optional<OpenedSchedules>> FindSchedulesToAsk(const std::string& home_flag) {
  DML_TRY(const std::string home, HomePath(home_flag));
  DML_TRY(const bool there, IsThere(SchedulePath(home)));
  if (!there || ::access(home.c_str(), W_OK) == 0) {
    return FindSchedules(home_flag);
  }
  DML_TRY(state::ScheduleStore store,
          state::ScheduleStore::Open(SchedulePath(home), state::OpenMode::kReadOnly));
  return std::optional(OpenedSchedules{Absolute(home), std::move(store)});
}

namespace {

Result<OpenedSchedules> OrNothing(const std::string& home_flag,
                                  Result<std::optional<OpenedSchedules>> found) {
  DML_TRY(std::optional<OpenedSchedules> schedules, std::move(found));
  if (schedules) return std::move(*schedules);
  DML_TRY(const std::string home, HomePath(home_flag));
  return Error::Invalid("nothing is scheduled in '" + home + "'",
                        "`dml schedule add FILE` schedules a pipeline");
}

}  // namespace

Result<OpenedSchedules> OpenSchedules(const std::string& home_flag) {
  return OrNothing(home_flag, FindSchedules(home_flag));
}

Result<OpenedSchedules> OpenSchedulesToAsk(const std::string& home_flag) {
  return OrNothing(home_flag, FindSchedulesToAsk(home_flag));
}

Json SlotJson(const state::SlotRow& slot, const std::string& schedule, const std::string& home) {
  return {{"slot", slot.id.value},
          {"schedule", schedule},
          {"due", FormatUtc(slot.due)},
          {"last", FormatUtc(slot.last)},
          {"count", slot.count},
          {"state", state::SlotStateName(slot.state)},
          {"origin", state::SlotOriginName(slot.origin)},
          {"reason", slot.reason},
          {"starts", slot.starts},
          {"run", slot.run ? Json(fmt::format("r{}", slot.run->value)) : Json()},
          {"exit_code", slot.exit_code ? Json(*slot.exit_code) : Json()},
          {"started", TimeOrNull(slot.started)},
          {"finished", TimeOrNull(slot.finished)},
          {"log", slot.starts > 0 && slot.state != state::SlotState::kSucceeded
                      ? Json(SlotLogPath(home, slot.id))
                      : Json()}};
}

bool DaemonRuns(const std::string& home) {
  return engine::FileLock::Owner(DaemonLockPath(home)).has_value();
}

WallTime DaemonThereSince(const std::string& home, WallTime now) {
  const auto daemon = engine::FileLock::Owner(DaemonLockPath(home));
  return daemon ? std::min(daemon->since, now) : now;
}

void AdviseDaemon(const std::string& home, const Output& output) {
  if (DaemonRuns(home)) return;
  output.Note(
      "no daemon is at work here, so nothing starts by itself: `dml schedule daemon` runs one,\n"
      "`dml schedule install` keeps one running");
}

}  // namespace dml::cli

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "cli/display/output.h"
#include "orchestrator/state/schedule_store.h"

namespace dml::cli {

// Where the schedules of a home are: <home>/schedule.db, and <home>/schedule/ for what their runs
// say. <home>/locks/ holds a lock for the daemon and one for each slot that runs.
[[nodiscard]] std::string SchedulePath(const std::string& home);
[[nodiscard]] std::string SlotLogPath(const std::string& home, state::SlotId slot);
// The file in which the run of a slot leaves its id.
[[nodiscard]] std::string SlotRunPath(const std::string& home, state::SlotId slot);
[[nodiscard]] std::string SlotLockPath(const std::string& home, state::SlotId slot);
[[nodiscard]] std::string DaemonLockPath(const std::string& home);

// What the run of a slot is about, for `dml run --once`: another whenever the slot waits anew.
[[nodiscard]] std::string SlotKey(const state::ScheduleRow& schedule, const state::SlotRow& slot);

// Why the pipeline of a schedule cannot be run as it is now; "" if it can. One line.
[[nodiscard]] std::string WhyFileIsInvalid(const state::ScheduleRow& schedule);

struct OpenedSchedules {
  std::string home;  // absolute
  state::ScheduleStore store;
};
// Makes the home if need be.
Result<OpenedSchedules> MakeSchedules(const std::string& home_flag);
// Nothing if nothing was ever scheduled there.
Result<std::optional<OpenedSchedules>> FindSchedules(const std::string& home_flag);
// The same, where that is kInvalid.
Result<OpenedSchedules> OpenSchedules(const std::string& home_flag);
// Both for whoever only asks, also of a home that cannot be written.
Result<std::optional<OpenedSchedules>> FindSchedulesToAsk(const std::string& home_flag);
Result<OpenedSchedules> OpenSchedulesToAsk(const std::string& home_flag);

// The documented JSON of a slot.
[[nodiscard]] Json SlotJson(const state::SlotRow& slot, const std::string& schedule,
                            const std::string& home);

// Whether a daemon is at work; else people are told how to start one.
[[nodiscard]] bool DaemonRuns(const std::string& home);
// Since when a daemon is at work; `now` if none is.
[[nodiscard]] WallTime DaemonThereSince(const std::string& home, WallTime now);
void AdviseDaemon(const std::string& home, const Output& output);

}  // namespace dml::cli

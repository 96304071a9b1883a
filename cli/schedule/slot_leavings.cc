#include "cli/schedule/slot_leavings.h"

#include <unistd.h>

#include <charconv>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <system_error>

#include "orchestrator/engine/file_lock.h"

namespace dml::cli {

namespace {

namespace fs = std::filesystem;

// "slot-12.log", "slot-12.run" and "slot-12" -> 12.
std::optional<state::SlotId> SlotOf(const std::string& name) {
  constexpr std::string_view kPrefix = "slot-";
  if (!name.starts_with(kPrefix)) return std::nullopt;
  state::SlotId slot;
  const char* const end = name.data() + name.size();
  const auto [rest, problem] = std::from_chars(name.data() + kPrefix.size(), end, slot.value);
  if (problem != std::errc() || (rest != end && *rest != '.')) return std::nullopt;
  return slot;
}

}  // namespace

void TidySlot(OpenedSchedules& schedules, state::SlotId slot) {
  const auto row = schedules.store.Slot(slot);
  if (!row.ok() || !IsFinal(row->state)) return;
  std::error_code ignored;
  const std::string log = SlotLogPath(schedules.home, slot);
  const std::string run = SlotRunPath(schedules.home, slot);
  const std::string lock_path = SlotLockPath(schedules.home, slot);
  const bool log_goes = row->state == state::SlotState::kSucceeded && fs::exists(log, ignored);
  if (!log_goes && !fs::exists(run, ignored) && !fs::exists(lock_path, ignored)) return;
  // Whoever has it is about to do the same. Its file goes when it is given back.
  const auto lock = engine::FileLock::Take(lock_path, "what a slot has left");
  if (!lock.ok()) return;
  ::unlink(run.c_str());
  if (log_goes) ::unlink(log.c_str());
}

void TidySlots(OpenedSchedules& schedules) {
  std::set<state::SlotId> slots;
  for (const char* folder : {"/schedule", "/locks"}) {
    std::error_code problem;
    fs::directory_iterator it(schedules.home + folder, problem);
    for (; !problem && it != fs::end(it); it.increment(problem)) {
      if (const auto slot = SlotOf(it->path().filename().string())) slots.insert(*slot);
    }
  }
  for (const state::SlotId slot : slots) TidySlot(schedules, slot);
}

}  // namespace dml::cli

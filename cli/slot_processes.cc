#include "cli/slot_processes.h"

#include <signal.h>

#include <utility>

#include "cli/schedule_home.h"
#include "orchestrator/engine/file_lock.h"

namespace dml::cli {

using schedule::Sighting;

Result<void> SlotProcesses::Start(const state::ScheduleRow&, const state::SlotRow& slot) {
  mine_.erase(slot.id);
  Child::Options options;
  options.log_path = SlotLogPath(home_, slot.id);
  DML_TRY(Child child, Child::Start({"/proc/self/exe", "schedule", "slot", "--slot",
                                     std::to_string(slot.id.value), "--start",
                                     std::to_string(slot.starts), "--home", home_},
                                    options));
  mine_.emplace(slot.id, Mine{slot.starts, std::move(child)});
  return {};
}

Sighting SlotProcesses::Look(const state::SlotRow& slot) {
  // Whoever has the lock says how the slot ends before giving it back.
  if (engine::FileLock::Owner(SlotLockPath(home_, slot.id))) return Sighting::kAlive;
  const auto mine = mine_.find(slot.id);
  if (mine != mine_.end() && mine->second.starts == slot.starts) {
    if (!mine->second.child.Wait(Duration{0})) return Sighting::kAlive;
    return Sighting::kGone;
  }
  return slot.state == state::SlotState::kRunning ? Sighting::kGone : Sighting::kUnknown;
}

bool SlotProcesses::Stop(const state::SlotRow& slot) {
  const auto owner = engine::FileLock::Owner(SlotLockPath(home_, slot.id));
  return owner && SignalProcess(owner->process, SIGTERM);
}

std::vector<state::SlotId> SlotProcesses::Reap() {
  std::vector<state::SlotId> ended;
  for (auto mine = mine_.begin(); mine != mine_.end();) {
    if (!mine->second.child.Wait(Duration{0})) {
      ++mine;
      continue;
    }
    ended.push_back(mine->first);
    mine = mine_.erase(mine);
  }
  return ended;
}

}  // namespace dml::cli

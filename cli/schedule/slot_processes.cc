#include "cli/schedule/slot_processes.h"

#include <fmt/format.h>
#include <signal.h>

#include <utility>

#include "cli/schedule/schedule_home.h"
#include "orchestrator/engine/file_lock.h"
#include "orchestrator/engine/home.h"
#include "orchestrator/engine/run_owner.h"
#include "orchestrator/state/run_store.h"
#include "orchestrator/state/run_view.h"

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

// Best effort: what cannot be read has not been seen.
schedule::RunSighting SlotProcesses::LookAtRun(const state::ScheduleRow& schedule,
                                               const state::SlotRow& slot) {
  schedule::RunSighting seen{slot.run, false, std::nullopt};
  const auto home = engine::Home::Open(home_, ".");
  if (!home.ok()) return seen;
  auto store = state::RunStore::Open(home->DatabasePath());
  if (!store.ok()) return seen;
  if (!seen.run) {
    const auto found = store->FindOnce(SlotKey(schedule, slot));
    if (found.ok()) seen.run = *found;
  }
  if (!seen.run) return seen;
  seen.lives = engine::OwnerOfRun(home->path(), *seen.run).has_value();
  auto view = state::RunView::Open(home_);
  if (seen.lives || !view.ok()) return seen;
  const auto summary = view->Find(fmt::format("r{}", seen.run->value));
  if (!summary.ok()) return seen;
  if (summary->outcome == "succeeded") seen.ended = state::SlotState::kSucceeded;
  if (summary->outcome == "failed") seen.ended = state::SlotState::kFailed;
  if (summary->outcome == "cancelled") seen.ended = state::SlotState::kCancelled;
  return seen;
}

bool SlotProcesses::Stop(const state::SlotRow& slot) {
  auto owner = engine::FileLock::Owner(SlotLockPath(home_, slot.id));
  // Its run may have outlived it.
  if (!owner && slot.run) {
    owner = engine::OwnerOfRun(home_, *slot.run);
  }
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

#include "orchestrator/schedule/timekeeper.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/crash_point.h"
#include "base/quantity.h"

namespace dml::schedule {

namespace {

using state::ScheduleRow;
using state::SlotMove;
using state::SlotRow;
using state::SlotState;

// A step of the clock that is worth a line in the log of events.
constexpr std::int64_t kClockStepUs = 2'000'000;

SlotMove MoveOf(const SlotRow& slot, SlotState to, WallTime now, std::string reason = {}) {
  SlotMove move;
  move.slot = slot.id;
  move.from = slot.state;
  move.starts = slot.starts;
  move.to = to;
  move.reason = std::move(reason);
  move.now = now;
  move.run = slot.run;
  return move;
}

std::string Due(const SlotRow& slot) { return FormatUtc(slot.due).substr(0, 19) + "Z"; }

void Earlier(std::optional<WallTime>& earliest, std::optional<WallTime> time) {
  if (time && (!earliest || *time < *earliest)) earliest = time;
}

// One step of accounting inside the caller's transaction; false if there is more to read.
Result<bool> AccountStep(state::ScheduleStore& store, const ScheduleRow& schedule,
                         const Policy& policy, WallTime now, WallTime there_since) {
  const Accounting out = AccountSlots(policy, schedule, now, there_since);
  if (out.rewind) {
    DML_TRY(const int withdrawn, store.WithdrawSkipped(schedule.id, out.cursor));
    if (schedule.cursor.us - now.us >= kClockStepUs) {
      DML_RETURN_IF_ERROR(store.Log(
          schedule.id, now,
          fmt::format("the clock was set back from {}; {} skipped slots will be decided again",
                      FormatUtc(schedule.cursor), withdrawn)));
    }
  }
  if (!out.rows.empty()) DML_RETURN_IF_ERROR(store.AddSlots(out.rows));
  // Where nothing was due the cursor may stay: an idle daemon writes nothing.
  if (out.rewind || !out.rows.empty()) {
    DML_RETURN_IF_ERROR(store.SetCursor(schedule.id, out.cursor));
  }
  return out.complete;
}

}  // namespace

Result<void> BringUpToDate(state::ScheduleStore& store, state::ScheduleId id, WallTime now,
                           WallTime there_since) {
  for (bool complete = false; !complete;) {
    DML_TRY(state::Transaction transaction, store.Begin());
    DML_TRY(const ScheduleRow schedule, store.Schedule(id));
    DML_TRY(const Policy policy, ReadPolicy(schedule.policy));
    DML_TRY(complete, AccountStep(store, schedule, policy, now, there_since));
    if (complete) DML_RETURN_IF_ERROR(store.SetCursor(id, now));
    DML_RETURN_IF_ERROR(transaction.Commit());
  }
  return {};
}

Result<std::optional<WallTime>> Timekeeper::Turn(WallTime now) {
  // A clock that is set back makes nobody absent.
  if (!there_since_ || now < *there_since_) there_since_ = now;
  DML_TRY(const std::vector<ScheduleRow> schedules, store_.Schedules(/*with_removed=*/true));
  std::optional<WallTime> look_again;
  for (const ScheduleRow& schedule : schedules) {
    auto tended = Tend(schedule.id, now);
    if (tended.ok()) {
      reported_.erase(schedule.id);
      Earlier(look_again, *tended);
    } else if (tended.error().kind != ErrorKind::kInvalid) {
      return std::move(tended).error();
    } else if (reported_.insert(schedule.id).second) {
      Say(schedule, "left alone: " + tended.error().Render());
    }
  }
  return look_again;
}

Result<std::optional<WallTime>> Timekeeper::Tend(state::ScheduleId id, WallTime now) {
  while (true) {
    Actions actions;
    std::optional<WallTime> look_again;
    DML_TRY(state::Transaction transaction, store_.Begin());
    DML_TRY(const ScheduleRow schedule, store_.Schedule(id));
    DML_TRY(const Policy policy, ReadPolicy(schedule.policy));
    bool complete = true;
    if (!schedule.removed) {
      DML_TRY(complete, AccountStep(store_, schedule, policy, now, *there_since_));
    }
    if (complete) {
      DML_TRY(look_again, Settle(schedule, policy, now, actions));
    }
    DML_RETURN_IF_ERROR(transaction.Commit());
    Perform(schedule, actions);
    if (complete) return look_again;
  }
}

Result<std::optional<WallTime>> Timekeeper::Settle(const ScheduleRow& schedule,
                                                   const Policy& policy, WallTime now,
                                                   Actions& actions) {
  DML_TRY(std::vector<SlotRow> open, store_.OpenSlots(schedule.id));
  for (SlotRow& slot : open) {
    if (!IsActive(slot.state)) continue;
    const Sighting seen = processes_.Look(slot);
    const bool late =
        seen == Sighting::kUnknown && (!slot.started || now < *slot.started ||
                                       now.us - slot.started->us > kAppearWithin.ns / 1000);
    if (seen == Sighting::kGone || late) {
      DML_RETURN_IF_ERROR(Revive(schedule, slot, now, actions));
    } else if (slot.stop_requested && !stopped_.contains(slot.id)) {
      actions.stop.push_back(slot);
    }
  }
  if (schedule.removed) DML_RETURN_IF_ERROR(CloseRemoved(open, now));
  std::erase_if(open, [](const SlotRow& slot) { return IsFinal(slot.state); });
  std::optional<WallTime> look_again;
  if (!schedule.removed) {
    // A pause follows the failure, not the next slot.
    if (!open.empty() || policy.pause_after_failures > 0) {
      DML_RETURN_IF_ERROR(Admit(schedule, policy, open, now, actions, look_again));
    }
    Earlier(look_again, policy.timetable.Next(now));
  }
  return look_again;
}

Result<void> Timekeeper::Revive(const ScheduleRow& schedule, SlotRow& slot, WallTime now,
                                Actions& actions) {
  SlotState to = SlotState::kStarting;
  std::string reason = "its process was lost; started again";
  const bool enough = slot.lost + 1 >= kStartsMax;
  RunSighting run;
  if (slot.stop_requested || schedule.removed || enough) {
    run = processes_.LookAtRun(schedule, slot);
    if (run.run) slot.run = run.run;
  }
  if (run.lives) {
    if (slot.stop_requested && !stopped_.contains(slot.id)) actions.stop.push_back(slot);
    return {};
  }
  if (run.ended) {
    to = *run.ended;
    reason = "its process was lost, and its run was not";
  } else if (slot.stop_requested) {
    to = SlotState::kCancelled;
    reason = "stopped to make room for a newer slot";
  } else if (schedule.removed) {
    to = SlotState::kCancelled;
    reason = "its process was lost, and the schedule has been removed";
  } else if (enough) {
    to = SlotState::kFailed;
    reason = fmt::format("its process was lost {} times", slot.lost + 1);
  }
  DML_TRY(const bool moved, store_.Move(MoveOf(slot, to, now, reason)));
  DML_CHECK(moved, "nobody writes between the reading and the move of a transaction");
  slot.state = to;
  actions.say.push_back(fmt::format("{}: {}", Due(slot), reason));
  if (to != SlotState::kStarting) return {};
  ++slot.starts;
  ++slot.lost;
  actions.start.push_back(slot);
  return {};
}

Result<void> Timekeeper::CloseRemoved(std::vector<SlotRow>& open, WallTime now) {
  for (SlotRow& slot : open) {
    if (slot.state != SlotState::kWaiting) continue;
    DML_TRY([[maybe_unused]] const bool moved,
            store_.Move(MoveOf(slot, SlotState::kSkipped, now, "the schedule was removed")));
    slot.state = SlotState::kSkipped;
  }
  return {};
}

Result<void> Timekeeper::Admit(const ScheduleRow& schedule, const Policy& policy,
                               const std::vector<SlotRow>& open, WallTime now, Actions& actions,
                               std::optional<WallTime>& look_again) {
  int failures = 0;
  if (policy.pause_after_failures > 0) {
    DML_TRY(failures, store_.FailuresInRow(schedule.id));
  }
  DML_TRY(const int active, store_.ActiveSlots());
  Admission admission =
      AdmitSlots(policy, {open, schedule.paused, failures, options_.runs_max - active}, now);
  if (schedule.paused || admission.pause) {
    // What was waiting for its turn must not run when the pause ends, long after its time.
    const std::string why = schedule.paused ? schedule.paused_reason : *admission.pause;
    for (const SlotRow& slot : open) {
      const bool queued = slot.state == SlotState::kWaiting;
      if (!queued || slot.origin == state::SlotOrigin::kBackfill) continue;
      admission.skip.push_back({slot.id, "paused: " + why});
    }
  }
  Earlier(look_again, admission.look_again);
  const auto find = [&](state::SlotId id) {
    return *std::ranges::find(open, id, [](const SlotRow& slot) { return slot.id; });
  };
  for (const Skip& skip : admission.skip) {
    const SlotRow slot = find(skip.slot);
    DML_TRY([[maybe_unused]] const bool moved,
            store_.Move(MoveOf(slot, SlotState::kSkipped, now, skip.reason)));
    actions.say.push_back(fmt::format("{}: skipped, {}", Due(slot), skip.reason));
  }
  for (const state::SlotId id : admission.stop) {
    DML_RETURN_IF_ERROR(store_.RequestStop(id));
    actions.stop.push_back(find(id));
  }
  for (const state::SlotId id : admission.start) {
    SlotRow slot = find(id);
    DML_TRY([[maybe_unused]] const bool moved,
            store_.Move(MoveOf(slot, SlotState::kStarting, now)));
    slot.state = SlotState::kStarting;
    ++slot.starts;
    actions.say.push_back(fmt::format("{}: started ({})", Due(slot), SlotOriginName(slot.origin)));
    actions.start.push_back(std::move(slot));
  }
  if (admission.pause) {
    DML_RETURN_IF_ERROR(store_.SetPaused(schedule.id, true, *admission.pause));
    DML_RETURN_IF_ERROR(store_.Log(schedule.id, now, "paused: " + *admission.pause));
    actions.say.push_back("paused: " + *admission.pause);
  }
  return {};
}

// The rows are written: whatever fails here is found again by the next turn.
void Timekeeper::Perform(const ScheduleRow& schedule, const Actions& actions) {
  for (const std::string& text : actions.say) Say(schedule, text);
  for (const SlotRow& slot : actions.stop) {
    if (processes_.Stop(slot)) stopped_.insert(slot.id);
  }
  for (const SlotRow& slot : actions.start) {
    stopped_.erase(slot.id);
    CrashPoint("slot.starting");
    const auto started = processes_.Start(schedule, slot);
    CrashPoint("slot.asked");
    if (!started.ok()) Say(schedule, started.error().Render());
  }
}

void Timekeeper::Say(const ScheduleRow& schedule, const std::string& text) const {
  if (options_.say) options_.say(schedule.name + " " + text);
}

}  // namespace dml::schedule

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/quantity.h"
#include "orchestrator/schedule/slot_planner.h"

namespace dml::schedule {

namespace {

using state::SlotOrigin;
using state::SlotRow;
using state::SlotState;

WallTime Deadline(const SlotRow& slot, const Policy& policy) {
  return {slot.not_before.us + policy.start_deadline.ns / 1000};
}

// "the slot of 2026-11-21T02:00:00Z": what people find again in the history.
std::string SlotName(const SlotRow& slot) {
  return "the slot of " + FormatUtc(slot.due).substr(0, 19) + "Z";
}

// One pass over the waiting slots of a schedule, oldest first.
class Gate {
 public:
  Gate(const Policy& policy, const AdmissionInput& input, WallTime now)
      : policy_(policy), now_(now), room_(input.room) {
    for (const SlotRow& slot : input.open) {
      const bool backfill = slot.origin == SlotOrigin::kBackfill;
      if (IsActive(slot.state)) (backfill ? active_backfills_ : active_).push_back(&slot);
      if (slot.state == SlotState::kWaiting) (backfill ? backfills_ : waiting_).push_back(&slot);
    }
    std::ranges::sort(waiting_, {}, [](const SlotRow* slot) { return slot->due; });
    std::ranges::sort(backfills_, {},
                      [](const SlotRow* slot) { return std::pair(slot->position, slot->id); });
  }

  Admission Run() {
    for (const SlotRow* slot : waiting_) {
      if (slot->not_before > now_) {
        LookAgain(slot->not_before);
      } else if (policy_.start_deadline.ns > 0 && now_ > Deadline(*slot, policy_)) {
        Skip(*slot,
             "deadline: it could not start within " + FormatDuration(policy_.start_deadline));
      } else {
        Consider(*slot);
      }
    }
    for (const SlotRow* slot : backfills_) {
      if (static_cast<int>(active_backfills_.size()) >= slot->parallel) break;
      Start(*slot, active_backfills_);
    }
    return std::move(out_);
  }

 private:
  void LookAgain(WallTime time) {
    if (!out_.look_again || time < *out_.look_again) out_.look_again = time;
  }

  void Skip(const SlotRow& slot, std::string reason) {
    out_.skip.push_back({slot.id, std::move(reason)});
  }

  void Start(const SlotRow& slot, std::vector<const SlotRow*>& lane) {
    if (room_ <= 0) return Queue(slot);
    --room_;
    out_.start.push_back(slot.id);
    lane.push_back(&slot);
  }

  void Queue(const SlotRow& slot) {
    queued_.push_back(&slot);
    if (policy_.start_deadline.ns > 0 && slot.origin != SlotOrigin::kBackfill) {
      LookAgain({Deadline(slot, policy_).us + 1});
    }
  }

  // The active slot that makes those on time be skipped. One that is being made up does not: they
  // wait for it.
  [[nodiscard]] const SlotRow* Rival() const {
    const auto rival = std::ranges::find_if(
        active_, [](const SlotRow* slot) { return slot->origin == SlotOrigin::kOnTime; });
    return rival == active_.end() ? nullptr : *rival;
  }

  // Whether a slot that is being made up is on its way: the next one waits for it.
  [[nodiscard]] bool MakesUp() const {
    return std::ranges::any_of(
        active_, [](const SlotRow* slot) { return slot->origin == SlotOrigin::kCatchup; });
  }

  void Consider(const SlotRow& slot) {
    const bool made_up = slot.origin == SlotOrigin::kCatchup;
    if (made_up && MakesUp()) return Queue(slot);
    if (policy_.overlap == Overlap::kAllow && active_.size() < kAllowedAtOnceMax) {
      return Start(slot, active_);
    }
    if (active_.empty()) return Start(slot, active_);
    if (made_up) return Queue(slot);
    switch (policy_.overlap) {
      case Overlap::kSkip:
        if (const SlotRow* rival = Rival()) {
          const bool runs =
              rival->state != SlotState::kWaiting;  // else it has been let in just now
          const char* how = runs ? " was still running" : " was still to run";
          return Skip(slot, "overlap: " + SlotName(*rival) + how);
        }
        return Queue(slot);
      case Overlap::kQueueOne:
        if (const SlotRow* before = QueuedOnTime()) {
          return Skip(slot, "overlap: " + SlotName(*before) + " was already waiting");
        }
        return Queue(slot);
      case Overlap::kQueueAll:
      case Overlap::kAllow:
        if (queued_.size() >= kQueueMax) {
          return Skip(slot, fmt::format("overlap: {} slots were already waiting", kQueueMax));
        }
        return Queue(slot);
      case Overlap::kCancelPrevious:
        return Replace(slot);
    }
  }

  [[nodiscard]] const SlotRow* QueuedOnTime() const {
    const auto found = std::ranges::find_if(
        queued_, [](const SlotRow* slot) { return slot->origin == SlotOrigin::kOnTime; });
    return found == queued_.end() ? nullptr : *found;
  }

  // The newest wins: what runs is asked to stop, what waits is given up.
  void Replace(const SlotRow& slot) {
    const std::string reason = "overlap: " + SlotName(slot) + " took its place";
    for (const SlotRow* older : std::exchange(queued_, {})) Skip(*older, reason);
    for (const SlotRow* runs : active_) {
      const bool started_now = std::ranges::find(out_.start, runs->id) != out_.start.end();
      if (started_now) {
        std::erase(out_.start, runs->id);
        Skip(*runs, reason);
        ++room_;
      } else if (!runs->stop_requested) {
        out_.stop.push_back(runs->id);
      }
    }
    const bool none_left = std::ranges::all_of(
        active_, [&](const SlotRow* runs) { return runs->state == SlotState::kWaiting; });
    std::erase_if(active_, [](const SlotRow* runs) { return runs->state == SlotState::kWaiting; });
    if (none_left) return Start(slot, active_);
    Queue(slot);
  }

  const Policy& policy_;
  const WallTime now_;
  int room_;
  std::vector<const SlotRow*> waiting_;
  std::vector<const SlotRow*> backfills_;
  std::vector<const SlotRow*> active_;
  std::vector<const SlotRow*> active_backfills_;
  std::vector<const SlotRow*> queued_;
  Admission out_;
};

}  // namespace

Admission AdmitSlots(const Policy& policy, const AdmissionInput& input, WallTime now) {
  if (input.paused) return {};
  if (policy.pause_after_failures > 0 && input.failures_in_row >= policy.pause_after_failures) {
    Admission out;
    out.pause = fmt::format("{} failures in a row", input.failures_in_row);
    return out;
  }
  return Gate(policy, input, now).Run();
}

}  // namespace dml::schedule

#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "orchestrator/schedule/policy.h"
#include "orchestrator/state/schedule_store.h"

// The decisions of schedules, pure: rows and `now` in, rows and moves out. They come in two steps,
// so that every slot is a row before anything happens to it:
//   1. AccountSlots gives every instant that has passed a row: to run, or skipped with the reason.
//   2. AdmitSlots says which of the waiting rows start now, which must be given up, and which runs
//      have to make room.
// Both may be applied again at any time, by anybody who holds the store's write lock: they do
// nothing twice.
namespace dml::schedule {

// A daemon that is there may be late by this, because it waits for a disk or the machine slept:
// such a slot is on time. One that is later was missed, as was one that passed before the daemon
// came.
inline constexpr Duration kPunctual = Duration::Seconds(60);
// Instants read in one step; the rest follows in the next.
inline constexpr int kSlotsPerStepMax = 50'000;
// More skipped slots than this, one after the other and for one reason, share a row.
inline constexpr int kSkippedRowsMax = 100;
inline constexpr int kQueueMax = 1000;
inline constexpr int kAllowedAtOnceMax = 100;

struct Accounting {
  std::vector<state::SlotRow> rows;  // without ids
  WallTime cursor;
  // The clock was set back behind the cursor: skipped rows later than `cursor` are withdrawn, and
  // decided again when their time comes. Slots that ran keep their rows and never run again.
  bool rewind = false;
  bool complete = true;  // false: call again with the new cursor
};

// `there_since`: how long a daemon has been there; `now` if none is.
Accounting AccountSlots(const Policy& policy, const state::ScheduleRow& schedule, WallTime now,
                        WallTime there_since);

// How long a slot is held back: the same for the same slot, in [0, jitter).
Duration JitterOf(state::ScheduleId schedule, WallTime due, Duration jitter);

struct Skip {
  state::SlotId slot;
  std::string reason;
};

struct Admission {
  std::vector<state::SlotId> start;
  std::vector<Skip> skip;
  std::vector<state::SlotId> stop;  // their processes get a TERM
  std::optional<std::string> pause;
  std::optional<WallTime> look_again;  // even if nothing happens before
};

struct AdmissionInput {
  std::span<const state::SlotRow> open;  // waiting, starting and running slots of one schedule
  bool paused = false;
  int failures_in_row = 0;
  int room = 1;  // processes that may be started now
};

Admission AdmitSlots(const Policy& policy, const AdmissionInput& input, WallTime now);

}  // namespace dml::schedule

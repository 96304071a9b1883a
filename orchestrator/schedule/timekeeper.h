#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "orchestrator/schedule/slot_planner.h"
#include "orchestrator/state/schedule_store.h"

namespace dml::schedule {

// How often a slot that had its turn is started in all if its processes are lost before they can
// say how it ended.
inline constexpr int kStartsMax = 4;
// A process that was asked for by somebody else gets this long to appear.
inline constexpr Duration kAppearWithin = Duration::Seconds(20);
// Timekeepers look this often for what others have written.
inline constexpr Duration kLookEvery = Duration::Seconds(1);

enum class Sighting {
  kAlive,    // it runs, or is about to
  kGone,     // beyond doubt
  kUnknown,  // asked for by somebody else, and not seen yet
};

// What the process of a slot has begun. It may outlive that process, and come to its end.
struct RunSighting {
  std::optional<RunId> run;
  bool lives = false;
  std::optional<state::SlotState> ended;  // final; none: it can be gone on with
};

// The processes that run slots. A process begins by moving its slot from starting to running at its
// start number, and ends by moving it to a final state; see state::SlotMove.
class SlotProcesses {
 public:
  virtual ~SlotProcesses() = default;
  // Asks for a process of start number `slot.starts`; does not wait for it.
  virtual Result<void> Start(const state::ScheduleRow& schedule, const state::SlotRow& slot) = 0;
  virtual Sighting Look(const state::SlotRow& slot) = 0;
  // For a slot whose process is gone.
  virtual RunSighting LookAtRun(const state::ScheduleRow& schedule, const state::SlotRow& slot) = 0;
  // Asks the process to end, or the run that has outlived it; false if neither was found.
  virtual bool Stop(const state::SlotRow& slot) = 0;
};

// Gives every slot of `schedule` up to `now` its row. Also for commands that are about to change
// the schedule, so that what has passed is judged by what was true until now. `there_since`: how
// long a daemon has been there; `now` if none is.
Result<void> BringUpToDate(state::ScheduleStore& store, state::ScheduleId schedule, WallTime now,
                           WallTime there_since);

// The daemon's decisions, carried out: rows for what is due, starts, stops, pauses, and new starts
// for processes that were lost. All it knows is in the store: it may be killed at any instruction,
// and several may work on one store without starting a slot twice. Not thread-safe.
class Timekeeper {
 public:
  struct Options {
    int runs_max = 8;                               // at once, over all schedules
    std::function<void(const std::string&)> say{};  // a line for people; may be absent
    std::optional<WallTime> there_since{};          // how long a daemon has been; none: first turn
  };
  // Both must outlive it.
  Timekeeper(state::ScheduleStore& store, SlotProcesses& processes, Options options)
      : store_(store),
        processes_(processes),
        options_(std::move(options)),
        there_since_(options_.there_since) {}

  // Does what is due. Returns when to look again at the latest if nobody writes to the store.
  // A schedule that cannot be read is reported once and left alone.
  Result<std::optional<WallTime>> Turn(WallTime now);

 private:
  struct Actions {
    std::vector<state::SlotRow> start;
    std::vector<state::SlotRow> stop;
    std::vector<std::string> say;
  };

  Result<std::optional<WallTime>> Tend(state::ScheduleId id, WallTime now);
  Result<std::optional<WallTime>> Settle(const state::ScheduleRow& schedule, const Policy& policy,
                                         WallTime now, Actions& actions);
  Result<void> Admit(const state::ScheduleRow& schedule, const Policy& policy,
                     const std::vector<state::SlotRow>& open, WallTime now, Actions& actions,
                     std::optional<WallTime>& look_again);
  Result<void> CloseRemoved(std::vector<state::SlotRow>& open, WallTime now);
  // Brings an active slot whose process is gone back to life or to its end. One that is not to have
  // another process follows its run.
  Result<void> Revive(const state::ScheduleRow& schedule, state::SlotRow& slot, WallTime now,
                      Actions& actions);
  void Perform(const state::ScheduleRow& schedule, const Actions& actions);
  void Say(const state::ScheduleRow& schedule, const std::string& text) const;

  state::ScheduleStore& store_;
  SlotProcesses& processes_;
  Options options_;
  std::optional<WallTime> there_since_;   // by the clock as it is set now
  std::set<state::SlotId> stopped_;       // whose processes have had their TERM from us
  std::set<state::ScheduleId> reported_;  // as unreadable
};

}  // namespace dml::schedule

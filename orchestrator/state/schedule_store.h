#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "base/json.h"
#include "base/result.h"
#include "orchestrator/state/database.h"

namespace dml::state {

// Row ids of schedules and slots; a slot id is never used again.
struct ScheduleId {
  std::int64_t value = 0;
  friend constexpr auto operator<=>(ScheduleId, ScheduleId) = default;
};
struct SlotId {
  std::int64_t value = 0;
  friend constexpr auto operator<=>(SlotId, SlotId) = default;
};

// Stored as numbers: entries are only ever appended.
enum class SlotState {
  kWaiting,    // it will run: now, after its jitter, or when its turn comes
  kStarting,   // a process for it was asked for; whether it exists is unknown
  kRunning,    // its process has said so, and holds the lock of the slot
  kSucceeded,  // the last four are final
  kFailed,
  kCancelled,
  kSkipped,  // it never ran; the reason says why
};
enum class SlotOrigin { kOnTime, kCatchup, kBackfill };

[[nodiscard]] std::string_view SlotStateName(SlotState state);
[[nodiscard]] std::string_view SlotOriginName(SlotOrigin origin);
[[nodiscard]] constexpr bool IsFinal(SlotState state) { return state >= SlotState::kSucceeded; }
[[nodiscard]] constexpr bool IsActive(SlotState state) {
  return state == SlotState::kStarting || state == SlotState::kRunning;
}

// A pipeline that runs by the clock.
struct ScheduleRow {
  ScheduleId id;
  std::string name;                 // unique among those not removed
  std::string file;                 // absolute
  Json sets = Json::array();        // of -S, as "key=value"
  Json overrides = Json::object();  // what the command line said instead of the file
  Json policy = Json::object();     // `schedule:` with the overrides and all defaults
  WallTime created;
  // Every slot up to and including this instant has a row, or belongs to a row for many.
  WallTime cursor;
  bool paused = false;
  std::string paused_reason;
  bool removed = false;
};

// What happened to one scheduled instant: unique by (schedule, due). A skipped row with `last` past
// `due` stands for every slot in between that has no row of its own.
struct SlotRow {
  SlotId id;
  ScheduleId schedule;
  WallTime due;
  WallTime last;           // = due, but for rows that stand for many
  std::int64_t count = 1;  // of the slots it stands for
  SlotState state = SlotState::kWaiting;
  SlotOrigin origin = SlotOrigin::kOnTime;
  std::string reason;
  WallTime not_before;          // due and jitter
  int starts = 0;               // processes asked for; only the newest may run
  int lost = 0;                 // of them, since it was last waiting, without a word of the end
  std::int64_t process = 0;     // of the newest start, once it runs
  bool stop_requested = false;  // of the newest start
  int parallel = 1;             // backfill: how many of its kind may run at once
  std::int64_t position = 0;    // backfill: the order of starting
  std::optional<RunId> run;
  std::optional<int> exit_code;
  std::optional<WallTime> started;  // while starting: when the process was asked for
  std::optional<WallTime> finished;
};

// A move of one slot. It happens only if the slot is in `from` at start number `starts`: whoever
// comes late, such as a process that was given up, changes nothing.
struct SlotMove {
  SlotId slot;
  SlotState from = SlotState::kWaiting;
  int starts = 0;
  SlotState to = SlotState::kSkipped;
  std::string reason;
  WallTime now;
  std::int64_t process = 0;  // to kRunning
  std::optional<RunId> run;  // to a final state
  std::optional<int> exit_code;
};

// Pauses, clock changes and daemons: what the rows of slots cannot tell.
struct ScheduleEvent {
  ScheduleId schedule;  // 0: the daemon
  WallTime at;
  std::string text;
};

// Schedules and their slots, in a database of their own (<home>/schedule.db), so that a busy run
// never makes the clock wait. Every process opens it for itself; what belongs together is written
// between Begin() and Commit(), which excludes all other writers. Not thread-safe.
class ScheduleStore {
 public:
  // kReadOnly needs an existing file.
  static Result<ScheduleStore> Open(const std::string& path, OpenMode mode = OpenMode::kReadWrite);
  ScheduleStore(ScheduleStore&&) noexcept;
  ScheduleStore& operator=(ScheduleStore&&) noexcept;
  ~ScheduleStore();

  [[nodiscard]] Result<Transaction> Begin();

  // kInvalid if a schedule of this name exists.
  Result<ScheduleId> Add(const ScheduleRow& schedule);
  [[nodiscard]] Result<std::vector<ScheduleRow>> Schedules(bool with_removed = false);
  // Removed ones too; kInvalid if there is none.
  [[nodiscard]] Result<ScheduleRow> Schedule(ScheduleId schedule);
  // kInvalid with did-you-mean if there is none of this name.
  [[nodiscard]] Result<ScheduleRow> Find(const std::string& name);
  Result<void> SetPolicy(ScheduleId schedule, const Json& policy);
  // Sets, overrides and policy of `rules`.
  Result<void> SetRules(ScheduleId schedule, const ScheduleRow& rules);
  Result<void> SetCursor(ScheduleId schedule, WallTime cursor);
  // A pause ends the count of failures in a row.
  Result<void> SetPaused(ScheduleId schedule, bool paused, const std::string& reason);
  Result<void> Remove(ScheduleId schedule);
  // The newest removed schedule of this name and file is back, with the rules of `rules` and all
  // that its slots came to; what passed meanwhile has no rows. Nothing if there is none.
  Result<std::optional<ScheduleId>> Readopt(const ScheduleRow& rules);

  // Rows whose instant has one already are left out; the number of those entered.
  Result<int> AddSlots(const std::vector<SlotRow>& rows);
  // Deletes skipped rows later than `cursor`, and shortens those for many: the number touched.
  Result<int> WithdrawSkipped(ScheduleId schedule, WallTime cursor);
  // A slot that never ran, or failed, waits again (backfill).
  Result<void> Requeue(SlotId slot, const SlotRow& as);
  [[nodiscard]] Result<std::vector<SlotRow>> OpenSlots(ScheduleId schedule);
  // Starting and running slots of all schedules.
  [[nodiscard]] Result<int> ActiveSlots();
  [[nodiscard]] Result<SlotRow> Slot(SlotId slot);
  // The row of exactly this instant.
  [[nodiscard]] Result<std::optional<SlotRow>> SlotAt(ScheduleId schedule, WallTime due);
  // Rows whose instants, from `due` to `last`, touch the time from `from` to `to`; by time.
  [[nodiscard]] Result<std::vector<SlotRow>> SlotsBetween(ScheduleId schedule, WallTime from,
                                                          WallTime to);
  // A row that stood for many stands for fewer.
  Result<void> Shorten(SlotId slot, WallTime last, std::int64_t count);
  // Past the position of every slot (backfill).
  [[nodiscard]] Result<std::int64_t> NextPosition();
  // Newest first; all schedules if `schedule` is 0.
  [[nodiscard]] Result<std::vector<SlotRow>> History(ScheduleId schedule, int limit);
  // Failed slots since the last success, or since the schedule was resumed.
  [[nodiscard]] Result<int> FailuresInRow(ScheduleId schedule);

  // False if the slot was not where the move begins. To kStarting counts a start, and from an
  // active state a loss as well.
  Result<bool> Move(const SlotMove& move);
  // The run of a slot that had failed or was cancelled has been taken up and ended otherwise: the
  // slot follows it. Nothing if no slot is about this run, or its process is still there.
  Result<void> Follow(RunId run, SlotState outcome, WallTime now);
  Result<void> RequestStop(SlotId slot);
  // The run that the process of this start has begun.
  Result<void> SetRun(SlotId slot, int starts, RunId run);

  Result<void> Log(ScheduleId schedule, WallTime now, const std::string& text);
  [[nodiscard]] Result<std::vector<ScheduleEvent>> Events(int limit);  // newest first

 private:
  struct State;
  explicit ScheduleStore(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace dml::state

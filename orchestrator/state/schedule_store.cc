#include "orchestrator/state/schedule_store.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/suggest.h"
#include "orchestrator/state/damage.h"

namespace dml::state {

namespace {

constexpr int kScheduleSchemaVersion = 2;

// One entry a version; entries are only ever appended. Times are microseconds, UTC. States and
// origins are the numbers of SlotState and SlotOrigin.
constexpr std::array<const char*, kScheduleSchemaVersion> kMigrations{R"sql(
CREATE TABLE schedules(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL,
  file TEXT NOT NULL,
  sets TEXT NOT NULL,
  overrides TEXT NOT NULL,
  policy TEXT NOT NULL,
  created_us INTEGER NOT NULL,
  cursor_us INTEGER NOT NULL,
  paused INTEGER NOT NULL DEFAULT 0,
  paused_reason TEXT NOT NULL DEFAULT '',
  failures_after INTEGER NOT NULL DEFAULT 0,
  removed INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE UNIQUE INDEX schedules_by_name ON schedules(name) WHERE removed = 0;
CREATE TABLE slots(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  schedule INTEGER NOT NULL REFERENCES schedules(id),
  due_us INTEGER NOT NULL,
  last_us INTEGER NOT NULL,
  count INTEGER NOT NULL,
  state INTEGER NOT NULL,
  origin INTEGER NOT NULL,
  reason TEXT NOT NULL,
  not_before_us INTEGER NOT NULL,
  starts INTEGER NOT NULL DEFAULT 0,
  process INTEGER NOT NULL DEFAULT 0,
  stop_requested INTEGER NOT NULL DEFAULT 0,
  parallel INTEGER NOT NULL DEFAULT 1,
  position INTEGER NOT NULL DEFAULT 0,
  run INTEGER,
  exit_code INTEGER,
  started_us INTEGER,
  finished_us INTEGER,
  finished_order INTEGER,
  UNIQUE(schedule, due_us)
) STRICT;
CREATE INDEX slots_open ON slots(schedule) WHERE state < 3;
CREATE INDEX slots_finished ON slots(schedule, finished_order) WHERE finished_order IS NOT NULL;
CREATE TABLE events(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  schedule INTEGER NOT NULL,
  at_us INTEGER NOT NULL,
  text TEXT NOT NULL
) STRICT;
)sql",
                                                                      R"sql(
ALTER TABLE slots ADD COLUMN lost INTEGER NOT NULL DEFAULT 0;
)sql"};

constexpr std::string_view kSlotColumns =
    "id, schedule, due_us, last_us, count, state, origin, reason, not_before_us, starts, process,"
    " stop_requested, parallel, position, run, exit_code, started_us, finished_us, lost";
constexpr std::string_view kScheduleColumns =
    "id, name, file, sets, overrides, policy, created_us, cursor_us, paused, paused_reason, "
    "removed";

Result<void> MigrateSchedules(Database& db) {
  // As in schema.cc: who only opens it does not wait for whoever is writing.
  DML_TRY(std::int64_t version, VersionOf(db));
  if (version == kScheduleSchemaVersion) return {};
  DML_TRY(Transaction transaction, Transaction::Begin(db));
  DML_TRY(version, VersionOf(db));
  if (version > kScheduleSchemaVersion) {
    return Error::Environment("the schedules were written by a newer dml",
                              "use that version, or another folder with --home");
  }
  for (auto next = static_cast<std::size_t>(version); next < kMigrations.size(); ++next) {
    DML_RETURN_IF_ERROR(db.Execute(kMigrations[next]));
  }
  DML_RETURN_IF_ERROR(
      db.Execute("PRAGMA user_version = " + std::to_string(kScheduleSchemaVersion)));
  return transaction.Commit();
}

// A file beside the database that is there once that has had its tables: an empty one is then no
// new one. It does not outlive a database that is moved away.
std::string MarkOf(const std::string& path) { return path + ".begun"; }

Result<void> RefuseEmptiedSchedules(const std::string& path, OpenMode mode) {
  std::error_code ignored;
  if (mode == OpenMode::kReadWrite && !std::filesystem::exists(path, ignored)) {
    std::filesystem::remove(MarkOf(path), ignored);
  }
  return RefuseEmptied(path, std::filesystem::exists(MarkOf(path), ignored));
}

// Without it only an emptied database goes unnoticed.
void MarkAsBegun(const std::string& path) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) return;  // in memory
  const int fd = ::open(MarkOf(path).c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
  if (fd >= 0) ::close(fd);
}

std::optional<WallTime> TimeOrNone(const Statement& row, int column) {
  return row.IsNull(column) ? std::nullopt : std::optional(WallTime{row.Int(column)});
}

SlotRow ReadSlot(const Statement& row) {
  SlotRow slot;
  slot.id = {row.Int(0)};
  slot.schedule = {row.Int(1)};
  slot.due = {row.Int(2)};
  slot.last = {row.Int(3)};
  slot.count = row.Int(4);
  slot.state = static_cast<SlotState>(row.Int(5));
  slot.origin = static_cast<SlotOrigin>(row.Int(6));
  slot.reason = row.Text(7);
  slot.not_before = {row.Int(8)};
  slot.starts = static_cast<int>(row.Int(9));
  slot.process = row.Int(10);
  slot.stop_requested = row.Int(11) != 0;
  slot.parallel = static_cast<int>(row.Int(12));
  slot.position = row.Int(13);
  if (!row.IsNull(14)) slot.run = RunId{row.Int(14)};
  if (!row.IsNull(15)) slot.exit_code = static_cast<int>(row.Int(15));
  slot.started = TimeOrNone(row, 16);
  slot.finished = TimeOrNone(row, 17);
  slot.lost = static_cast<int>(row.Int(18));
  return slot;
}

ScheduleRow ReadSchedule(const Statement& row) {
  ScheduleRow schedule;
  schedule.id = {row.Int(0)};
  schedule.name = row.Text(1);
  schedule.file = row.Text(2);
  schedule.sets = Json::parse(row.Text(3), nullptr, /*allow_exceptions=*/false);
  schedule.overrides = Json::parse(row.Text(4), nullptr, /*allow_exceptions=*/false);
  schedule.policy = Json::parse(row.Text(5), nullptr, /*allow_exceptions=*/false);
  schedule.created = {row.Int(6)};
  schedule.cursor = {row.Int(7)};
  schedule.paused = row.Int(8) != 0;
  schedule.paused_reason = row.Text(9);
  schedule.removed = row.Int(10) != 0;
  return schedule;
}

template <typename Row, typename Read>
Result<std::vector<Row>> ReadAll(Statement& statement, Read read) {
  std::vector<Row> rows;
  while (true) {
    DML_TRY(const bool more, statement.Step());
    if (!more) return rows;
    rows.push_back(read(statement));
  }
}

std::string Select(std::string_view columns, std::string_view rest) {
  return "SELECT " + std::string(columns) + " FROM " + std::string(rest);
}

}  // namespace

std::string_view SlotStateName(SlotState state) {
  static constexpr std::array<std::string_view, 7> kNames{
      "waiting", "starting", "running", "succeeded", "failed", "cancelled", "skipped"};
  return kNames[static_cast<std::size_t>(state)];
}

std::string_view SlotOriginName(SlotOrigin origin) {
  static constexpr std::array<std::string_view, 3> kNames{"on time", "catch-up", "backfill"};
  return kNames[static_cast<std::size_t>(origin)];
}

struct ScheduleStore::State {
  Database db;

  // Runs a statement without results whose parameters are `values`.
  template <typename... Values>
  Result<void> Run(std::string_view sql, const Values&... values) {
    DML_TRY(Statement statement, db.Prepare(sql));
    (statement.Bind(values), ...);
    return statement.Run();
  }

  Result<int> Changes() {
    DML_TRY(Statement statement, db.Prepare("SELECT changes()"));
    DML_RETURN_IF_ERROR(statement.Step());
    return static_cast<int>(statement.Int(0));
  }

  template <typename... Values>
  Result<std::vector<SlotRow>> Slots(const std::string& rest, const Values&... values) {
    DML_TRY(Statement statement, db.Prepare(Select(kSlotColumns, "slots " + rest)));
    (statement.Bind(values), ...);
    return ReadAll<SlotRow>(statement, ReadSlot);
  }
};

ScheduleStore::ScheduleStore(std::unique_ptr<State> state) : state_(std::move(state)) {}
ScheduleStore::ScheduleStore(ScheduleStore&&) noexcept = default;
ScheduleStore& ScheduleStore::operator=(ScheduleStore&&) noexcept = default;
ScheduleStore::~ScheduleStore() = default;

Result<ScheduleStore> ScheduleStore::Open(const std::string& path, OpenMode mode) {
  DML_RETURN_IF_ERROR(RefuseEmptiedSchedules(path, mode));
  DML_TRY(Database db, Database::Open(path, mode));
  if (mode == OpenMode::kReadWrite) {
    DML_RETURN_IF_ERROR(MigrateSchedules(db));
    MarkAsBegun(path);
  }
  return ScheduleStore(std::make_unique<State>(State{std::move(db)}));
}

Result<Transaction> ScheduleStore::Begin() { return Transaction::Begin(state_->db); }

Result<ScheduleId> ScheduleStore::Add(const ScheduleRow& schedule) {
  DML_TRY(const std::vector<ScheduleRow> known, Schedules());
  for (const ScheduleRow& other : known) {
    if (other.name != schedule.name) continue;
    return Error::Invalid(
        "a schedule named '" + schedule.name + "' exists already",
        "choose another --name, or `dml schedule rm " + schedule.name + "` first");
  }
  DML_RETURN_IF_ERROR(state_->Run(
      "INSERT INTO schedules(name, file, sets, overrides, policy, created_us, cursor_us)"
      " VALUES(?, ?, ?, ?, ?, ?, ?)",
      schedule.name, schedule.file, CanonicalJson(schedule.sets), CanonicalJson(schedule.overrides),
      CanonicalJson(schedule.policy), schedule.created.us, schedule.cursor.us));
  return ScheduleId{state_->db.LastInsertId()};
}

Result<std::vector<ScheduleRow>> ScheduleStore::Schedules(bool with_removed) {
  const std::string rest =
      with_removed ? "schedules ORDER BY id" : "schedules WHERE removed = 0 ORDER BY name";
  DML_TRY(Statement statement, state_->db.Prepare(Select(kScheduleColumns, rest)));
  return ReadAll<ScheduleRow>(statement, ReadSchedule);
}

Result<ScheduleRow> ScheduleStore::Schedule(ScheduleId schedule) {
  DML_TRY(Statement statement,
          state_->db.Prepare(Select(kScheduleColumns, "schedules WHERE id = ?")));
  statement.Bind(schedule.value);
  DML_TRY(const bool found, statement.Step());
  if (!found) return Error::Invalid("there is no schedule " + std::to_string(schedule.value));
  return ReadSchedule(statement);
}

Result<ScheduleRow> ScheduleStore::Find(const std::string& name) {
  DML_TRY(std::vector<ScheduleRow> all, Schedules());
  std::vector<std::string> names;
  for (ScheduleRow& schedule : all) {
    if (schedule.name == name) return std::move(schedule);
    names.push_back(schedule.name);
  }
  std::string hint = DidYouMean(name, names);
  if (hint.empty()) {
    hint = names.empty() ? "there are none yet: `dml schedule add FILE`"
                         : "`dml schedule ls` lists them";
  }
  return Error::Invalid("no schedule is named '" + name + "'", std::move(hint));
}

Result<void> ScheduleStore::SetPolicy(ScheduleId schedule, const Json& policy) {
  return state_->Run("UPDATE schedules SET policy = ? WHERE id = ?", CanonicalJson(policy),
                     schedule.value);
}

Result<void> ScheduleStore::SetRules(ScheduleId schedule, const ScheduleRow& rules) {
  return state_->Run("UPDATE schedules SET sets = ?, overrides = ?, policy = ? WHERE id = ?",
                     CanonicalJson(rules.sets), CanonicalJson(rules.overrides),
                     CanonicalJson(rules.policy), schedule.value);
}

Result<void> ScheduleStore::SetCursor(ScheduleId schedule, WallTime cursor) {
  return state_->Run("UPDATE schedules SET cursor_us = ? WHERE id = ?", cursor.us, schedule.value);
}

Result<void> ScheduleStore::SetPaused(ScheduleId schedule, bool paused, const std::string& reason) {
  return state_->Run(
      "UPDATE schedules SET paused = ?1, paused_reason = ?2, failures_after ="
      " (SELECT coalesce(max(finished_order), 0) FROM slots WHERE schedule = ?3) WHERE id = ?3",
      std::int64_t{paused}, reason, schedule.value);
}

Result<void> ScheduleStore::Remove(ScheduleId schedule) {
  return state_->Run("UPDATE schedules SET removed = 1 WHERE id = ?", schedule.value);
}

Result<std::optional<ScheduleId>> ScheduleStore::Readopt(const ScheduleRow& rules) {
  DML_TRY(std::vector<ScheduleRow> all, Schedules(/*with_removed=*/true));
  const ScheduleRow* found = nullptr;
  for (const ScheduleRow& old : all) {
    if (old.name != rules.name) continue;
    if (!old.removed) return std::optional<ScheduleId>();
    if (old.file == rules.file) found = &old;
  }
  if (found == nullptr) return std::optional<ScheduleId>();
  DML_RETURN_IF_ERROR(SetRules(found->id, rules));
  DML_RETURN_IF_ERROR(SetPaused(found->id, /*paused=*/false, ""));
  DML_RETURN_IF_ERROR(
      state_->Run("UPDATE schedules SET removed = 0, cursor_us = max(cursor_us, ?) WHERE id = ?",
                  rules.cursor.us, found->id.value));
  return std::optional(found->id);
}

Result<int> ScheduleStore::AddSlots(const std::vector<SlotRow>& rows) {
  DML_TRY(Statement statement,
          state_->db.Prepare("INSERT INTO slots(schedule, due_us, last_us, count, state, origin,"
                             " reason, not_before_us, parallel, position)"
                             " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
                             " ON CONFLICT(schedule, due_us) DO NOTHING"));
  int entered = 0;
  for (const SlotRow& row : rows) {
    statement.Bind(row.schedule.value)
        .Bind(row.due.us)
        .Bind(row.last.us)
        .Bind(row.count)
        .Bind(static_cast<std::int64_t>(row.state))
        .Bind(static_cast<std::int64_t>(row.origin))
        .Bind(row.reason)
        .Bind(row.not_before.us)
        .Bind(std::int64_t{row.parallel})
        .Bind(row.position);
    DML_RETURN_IF_ERROR(statement.Run());
    DML_TRY(const int changed, state_->Changes());
    entered += changed;
  }
  return entered;
}

Result<int> ScheduleStore::WithdrawSkipped(ScheduleId schedule, WallTime cursor) {
  constexpr auto kSkipped = static_cast<std::int64_t>(SlotState::kSkipped);
  DML_RETURN_IF_ERROR(
      state_->Run("DELETE FROM slots WHERE schedule = ? AND due_us > ? AND state = ?",
                  schedule.value, cursor.us, kSkipped));
  DML_TRY(const int deleted, state_->Changes());
  DML_RETURN_IF_ERROR(
      state_->Run("UPDATE slots SET last_us = ?1, count = 0"
                  " WHERE schedule = ?2 AND last_us > ?1 AND due_us <= ?1 AND state = ?3",
                  cursor.us, schedule.value, kSkipped));
  DML_TRY(const int shortened, state_->Changes());
  return deleted + shortened;
}

Result<void> ScheduleStore::Requeue(SlotId slot, const SlotRow& as) {
  return state_->Run(
      "UPDATE slots SET last_us = due_us, count = 1, state = ?, origin = ?, reason = '',"
      " not_before_us = due_us, process = 0, stop_requested = 0, lost = 0, parallel = ?, position "
      "= ?,"
      " run = NULL, exit_code = NULL, started_us = NULL, finished_us = NULL, finished_order = NULL"
      " WHERE id = ?",
      static_cast<std::int64_t>(SlotState::kWaiting), static_cast<std::int64_t>(as.origin),
      std::int64_t{as.parallel}, as.position, slot.value);
}

Result<std::vector<SlotRow>> ScheduleStore::OpenSlots(ScheduleId schedule) {
  return state_->Slots("INDEXED BY slots_open WHERE schedule = ? AND state < 3 ORDER BY due_us",
                       schedule.value);
}

Result<int> ScheduleStore::ActiveSlots() {
  DML_TRY(Statement statement,
          state_->db.Prepare(
              "SELECT count(*) FROM slots INDEXED BY slots_open WHERE state < 3 AND state > 0"));
  DML_RETURN_IF_ERROR(statement.Step());
  return static_cast<int>(statement.Int(0));
}

Result<SlotRow> ScheduleStore::Slot(SlotId slot) {
  DML_TRY(std::vector<SlotRow> rows, state_->Slots("WHERE id = ?", slot.value));
  if (rows.empty()) return Error::Invalid("there is no slot " + std::to_string(slot.value));
  return std::move(rows[0]);
}

Result<std::optional<SlotRow>> ScheduleStore::SlotAt(ScheduleId schedule, WallTime due) {
  DML_TRY(std::vector<SlotRow> rows,
          state_->Slots("WHERE schedule = ? AND due_us = ?", schedule.value, due.us));
  return rows.empty() ? std::nullopt : std::optional(std::move(rows[0]));
}

Result<std::vector<SlotRow>> ScheduleStore::SlotsBetween(ScheduleId schedule, WallTime from,
                                                         WallTime to) {
  return state_->Slots("WHERE schedule = ? AND last_us >= ? AND due_us <= ? ORDER BY due_us",
                       schedule.value, from.us, to.us);
}

Result<void> ScheduleStore::Shorten(SlotId slot, WallTime last, std::int64_t count) {
  return state_->Run("UPDATE slots SET last_us = ?, count = ? WHERE id = ?", last.us, count,
                     slot.value);
}

Result<std::int64_t> ScheduleStore::NextPosition() {
  DML_TRY(Statement statement,
          state_->db.Prepare("SELECT coalesce(max(position), 0) + 1 FROM slots"));
  DML_RETURN_IF_ERROR(statement.Step());
  return statement.Int(0);
}

Result<std::vector<SlotRow>> ScheduleStore::History(ScheduleId schedule, int limit) {
  return state_->Slots("WHERE ?1 = 0 OR schedule = ?1 ORDER BY due_us DESC, schedule LIMIT ?2",
                       schedule.value, std::int64_t{limit});
}

// Reads backwards to the last success: the cost does not grow with the history.
Result<int> ScheduleStore::FailuresInRow(ScheduleId schedule) {
  DML_TRY(Statement statement,
          state_->db.Prepare("SELECT state FROM slots WHERE schedule = ?1 AND finished_order >"
                             " (SELECT failures_after FROM schedules WHERE id = ?1)"
                             " ORDER BY finished_order DESC"));
  statement.Bind(schedule.value);
  for (int failures = 0;;) {
    DML_TRY(const bool more, statement.Step());
    const auto state = more ? static_cast<SlotState>(statement.Int(0)) : SlotState::kSucceeded;
    if (state == SlotState::kSucceeded) return failures;
    if (state == SlotState::kFailed) ++failures;
  }
}

Result<bool> ScheduleStore::Move(const SlotMove& move) {
  DML_CHECK(!IsFinal(move.from), "a slot that is finished stays so");
  const bool ran = move.from == SlotState::kRunning || move.to != SlotState::kSkipped;
  DML_TRY(
      Statement statement,
      state_->db.Prepare("UPDATE slots SET state = ?1, reason = ?2, process = ?3,"
                         " starts = starts + (?1 = 1), lost = lost + (?1 = 1 AND state > 0),"
                         " stop_requested = stop_requested AND ?1 != 1,"
                         " started_us = CASE WHEN ?1 IN (1, 2) THEN ?4 ELSE started_us END,"
                         " finished_us = CASE WHEN ?1 >= 3 THEN ?4 END,"
                         " finished_order = CASE WHEN ?1 >= 3 AND ?5 THEN (SELECT"
                         " coalesce(max(finished_order), 0) + 1 FROM slots AS s WHERE s.schedule ="
                         " slots.schedule) END,"
                         " run = coalesce(?6, run), exit_code = ?7"
                         " WHERE id = ?8 AND state = ?9 AND starts = ?10"));
  statement.Bind(static_cast<std::int64_t>(move.to))
      .Bind(move.reason)
      .Bind(move.process)
      .Bind(move.now.us)
      .Bind(std::int64_t{ran});
  move.run ? statement.Bind(move.run->value) : statement.BindNull();
  move.exit_code ? statement.Bind(std::int64_t{*move.exit_code}) : statement.BindNull();
  statement.Bind(move.slot.value)
      .Bind(static_cast<std::int64_t>(move.from))
      .Bind(std::int64_t{move.starts});
  DML_RETURN_IF_ERROR(statement.Run());
  DML_TRY(const int changed, state_->Changes());
  return changed == 1;
}

Result<void> ScheduleStore::Follow(RunId run, SlotState outcome, WallTime now) {
  return state_->Run(
      "UPDATE slots SET state = ?1, reason = 'its run was taken up again', exit_code = NULL,"
      " finished_us = ?2, finished_order = (SELECT coalesce(max(finished_order), 0) + 1"
      " FROM slots AS s WHERE s.schedule = slots.schedule)"
      " WHERE run = ?3 AND state IN (?4, ?5)",
      static_cast<std::int64_t>(outcome), now.us, run.value,
      static_cast<std::int64_t>(SlotState::kFailed),
      static_cast<std::int64_t>(SlotState::kCancelled));
}

Result<void> ScheduleStore::RequestStop(SlotId slot) {
  return state_->Run("UPDATE slots SET stop_requested = 1 WHERE id = ?", slot.value);
}

Result<void> ScheduleStore::SetRun(SlotId slot, int starts, RunId run) {
  return state_->Run("UPDATE slots SET run = ? WHERE id = ? AND starts = ?", run.value, slot.value,
                     std::int64_t{starts});
}

Result<void> ScheduleStore::Log(ScheduleId schedule, WallTime now, const std::string& text) {
  return state_->Run("INSERT INTO events(schedule, at_us, text) VALUES(?, ?, ?)", schedule.value,
                     now.us, text);
}

Result<std::vector<ScheduleEvent>> ScheduleStore::Events(int limit) {
  DML_TRY(Statement statement, state_->db.Prepare("SELECT schedule, at_us, text FROM events"
                                                  " ORDER BY id DESC LIMIT ?"));
  statement.Bind(std::int64_t{limit});
  return ReadAll<ScheduleEvent>(statement, [](const Statement& row) {
    return ScheduleEvent{{row.Int(0)}, {row.Int(1)}, row.Text(2)};
  });
}

}  // namespace dml::state

#include "orchestrator/state/run_store.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <unordered_map>

#include "orchestrator/core/fingerprint.h"
#include "orchestrator/state/damage.h"
#include "orchestrator/state/result_json.h"
#include "orchestrator/state/run_files.h"
#include "orchestrator/state/run_store_state.h"
#include "orchestrator/state/schema.h"

namespace dml::state {

namespace {

constexpr std::array<std::string_view, 5> kOutcomes{"running", "succeeded", "failed", "cancelled",
                                                    "interrupted"};

// The largest number of a run that has left files here.
std::int64_t LargestLeft(const std::filesystem::path& runs) {
  std::int64_t largest = 0;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(runs, ignored)) {
    const std::string name = entry.path().filename().string();
    std::int64_t number = 0;
    if (!name.starts_with('r')) continue;
    std::from_chars(name.data() + 1, name.data() + name.size(), number);
    largest = std::max(largest, number);
  }
  return largest;
}

// Of the next run. Where this database is not the first of its home, because a damaged one was
// moved away or an old one came back, files of other runs may be in the way: they keep their
// numbers.
Result<std::int64_t> NextNumber(Database& db) {
  DML_TRY(Statement query,
          db.Prepare("SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'runs'), 0), "
                     "(SELECT file FROM pragma_database_list WHERE name = 'main')"));
  DML_RETURN_IF_ERROR(query.Step());
  const std::int64_t next = query.Int(0) + 1;
  const std::filesystem::path home = std::filesystem::path(query.Text(1)).parent_path();
  std::error_code ignored;
  const std::filesystem::path wanted = RunPath(home.string(), RunId{next});
  if (!std::filesystem::exists(wanted, ignored)) return next;
  return std::max(next, LargestLeft(wanted.parent_path()) + 1);
}

}  // namespace

std::string_view RunOutcomeName(RunOutcome outcome) {
  return kOutcomes[static_cast<std::size_t>(outcome)];
}

RunStore::RunStore(std::unique_ptr<State> state) : state_(std::move(state)) {}
RunStore::RunStore(RunStore&&) noexcept = default;
RunStore& RunStore::operator=(RunStore&&) noexcept = default;
RunStore::~RunStore() = default;

Result<RunStore> RunStore::Open(const std::string& path, OpenMode mode) {
  DML_RETURN_IF_ERROR(RefuseEmptied(path, HadRuns(path)));
  DML_TRY(Database db, Database::Open(path, mode));
  DML_RETURN_IF_ERROR(mode == OpenMode::kReadWrite ? Migrate(db) : RequireVersion(db));
  DML_TRY(
      Statement insert_event,
      db.Prepare("INSERT INTO events(run, seq, task, attempt, from_state, to_state, at_us, reason, "
                 "failure) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)"));
  DML_TRY(Statement update_task,
          db.Prepare("UPDATE tasks SET state = ?, attempt = ?, changed_us = ?, reason = ? "
                     "WHERE run = ? AND task = ?"));
  DML_TRY(Statement insert_result,
          db.Prepare("INSERT OR REPLACE INTO results(run, task, key) VALUES(?, ?, ?)"));
  DML_TRY(Statement insert_cache,
          db.Prepare("INSERT OR REPLACE INTO cache VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)"));
  DML_TRY(Statement find_cache,
          db.Prepare("SELECT fields, outputs, metrics, warnings, wall_ns, cpu_ns, memory_bytes "
                     "FROM cache WHERE key = ?"));
  DML_TRY(Statement find_file, db.Prepare("SELECT device, inode, size, mtime_ns, ctime_ns, digest "
                                          "FROM files WHERE path = ?"));
  DML_TRY(Statement insert_file,
          db.Prepare("INSERT OR REPLACE INTO files VALUES(?, ?, ?, ?, ?, ?, ?)"));
  DML_TRY(Statement insert_pending,
          db.Prepare("INSERT OR REPLACE INTO pending VALUES(?, ?, ?, ?, ?)"));
  DML_TRY(Statement find_key, db.Prepare("SELECT key FROM results WHERE run = ? AND task = ?"));
  return RunStore(std::unique_ptr<State>(new State{std::move(db),
                                                   std::move(insert_event),
                                                   std::move(update_task),
                                                   std::move(insert_result),
                                                   std::move(insert_cache),
                                                   std::move(find_cache),
                                                   std::move(find_file),
                                                   std::move(insert_file),
                                                   std::move(insert_pending),
                                                   std::move(find_key),
                                                   {},
                                                   {},
                                                   0}));
}

Result<RunId> RunStore::BeginRun(const RunHeader& header, std::span<const TaskHeader> tasks) {
  Database& db = state_->db;
  DML_TRY(Transaction transaction, Transaction::Begin(db));
  DML_TRY(const std::int64_t number, NextNumber(db));
  DML_TRY(Statement insert_run, db.Prepare("INSERT INTO runs(id, name, file, params, pipeline, "
                                           "options, started_us, once, outcome) "
                                           "VALUES(?, ?, ?, ?, ?, ?, ?, ?, 'running')"));
  const std::string params = CanonicalJson(header.params);
  const std::string options = CanonicalJson(header.options);
  insert_run.Bind(number)
      .Bind(header.name)
      .Bind(header.file)
      .Bind(params)
      .Bind(header.pipeline)
      .Bind(options)
      .Bind(header.started.us);
  header.once.empty() ? insert_run.BindNull() : insert_run.Bind(header.once);
  DML_RETURN_IF_ERROR(insert_run.Run());
  const RunId run{number};
  DML_TRY(Statement insert_task, db.Prepare("INSERT INTO tasks VALUES(?, ?, ?, ?, ?, 0, ?, '')"));
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    DML_RETURN_IF_ERROR(insert_task.Bind(run.value)
                            .Bind(static_cast<std::int64_t>(i))
                            .Bind(tasks[i].name)
                            .Bind(tasks[i].step)
                            .Bind(Number(core::TaskState::kBlocked))
                            .Bind(header.started.us)
                            .Run());
  }
  DML_RETURN_IF_ERROR(transaction.Commit());
  return run;
}

Result<void> RunStore::State::FindEndOfLog(RunId run) {
  if (logged == run) return {};
  DML_TRY(Statement query,
          db.Prepare("SELECT coalesce(max(seq) + 1, 0) FROM events WHERE run = ?"));
  DML_RETURN_IF_ERROR(query.Bind(run.value).Step());
  next_event = query.Int(0);
  logged = run;
  return {};
}

Result<void> RunStore::State::WriteChange(RunId run, WallTime now, const StateChange& change) {
  insert_event.Bind(run.value)
      .Bind(next_event++)
      .Bind(Number(change.task))
      .Bind(std::int64_t{change.attempt.value})
      .Bind(Number(change.from))
      .Bind(Number(change.to))
      .Bind(now.us);
  if (change.reason.empty()) {
    insert_event.BindNull();
  } else {
    insert_event.Bind(change.reason);
  }
  return insert_event.Bind(static_cast<std::int64_t>(change.failure)).Run();
}

Result<void> RunStore::State::UpdateTask(RunId run, WallTime now, const StateChange& change) {
  return update_task.Bind(Number(change.to))
      .Bind(std::int64_t{change.attempt.value})
      .Bind(now.us)
      .Bind(change.reason)
      .Bind(run.value)
      .Bind(Number(change.task))
      .Run();
}

Result<void> RunStore::State::WritePending(RunId run, const PendingCommit& pending) {
  const TaskResult& result = pending.result;
  const std::string text = CanonicalJson({{"key", result.key.Hex()},
                                          {"fields", core::ParseKeyFields(result.fields)},
                                          {"metrics", result.metrics},
                                          {"warnings", result.warnings},
                                          {"wall_ns", result.wall.ns},
                                          {"cpu_ns", result.cpu.ns},
                                          {"memory_bytes", result.memory_bytes}});
  return insert_pending.Bind(run.value)
      .Bind(Number(pending.task))
      .Bind(std::int64_t{pending.attempt.value})
      .Bind(pending.boot)
      .Bind(text)
      .Run();
}

Result<void> RunStore::State::WriteResult(WallTime now, const TaskResult& result) {
  return BindResult(insert_cache, now, result);
}

Result<void> RunStore::Share(const std::string& index, const std::string& home) {
  DML_TRY(SharedIndex shared, SharedIndex::Open(index, home));
  state_->shared = std::make_unique<SharedIndex>(std::move(shared));
  return {};
}

Result<void> RunStore::Append(RunId run, WallTime now, const Batch& batch) {
  DML_TRY(Transaction transaction, Transaction::Begin(state_->db));
  auto written = Write(run, now, batch);
  if (written.ok()) written = transaction.Commit();
  // What was rolled back may be numbered anew.
  if (!written.ok()) state_->logged = {};
  if (!written.ok() || !state_->shared) return written;
  for (const auto& [task, result] : batch.results) {
    // Only so that others find it: the result stands without.
    (void)state_->shared->Add(now, result);
  }
  return written;
}

Result<void> RunStore::Write(RunId run, WallTime now, const Batch& batch) {
  for (const auto& [task, result] : batch.results) {
    DML_RETURN_IF_ERROR(state_->WriteResult(now, result));
    DML_RETURN_IF_ERROR(state_->Link(run, task, result.key));
  }
  for (const auto& [task, key] : batch.reused) {
    DML_RETURN_IF_ERROR(state_->Link(run, task, key));
  }
  for (const PendingCommit& pending : batch.pending) {
    DML_RETURN_IF_ERROR(state_->WritePending(run, pending));
  }
  for (const FileEntry& file : batch.files) {
    DML_RETURN_IF_ERROR(RememberFile(file.path, file.stamp, file.digest));
  }
  DML_RETURN_IF_ERROR(state_->FindEndOfLog(run));
  // Every move is in the log; the table, which is its fold, needs only the last of each task.
  std::unordered_map<std::size_t, const StateChange*> last;
  for (const StateChange& change : batch.changes) last[change.task.index()] = &change;
  for (const StateChange& change : batch.changes) {
    DML_RETURN_IF_ERROR(state_->WriteChange(run, now, change));
    if (last[change.task.index()] != &change) continue;
    DML_RETURN_IF_ERROR(state_->UpdateTask(run, now, change));
  }
  return {};
}

Result<std::optional<RunId>> RunStore::FindOnce(const std::string& once) {
  DML_TRY(Statement query, state_->db.Prepare("SELECT id FROM runs WHERE once = ?"));
  query.Bind(once);
  DML_TRY(const bool found, query.Step());
  return found ? std::optional(RunId{query.Int(0)}) : std::nullopt;
}

Result<void> RunStore::EndRun(RunId run, WallTime now, RunOutcome outcome, bool hooks) {
  DML_TRY(Transaction transaction, Transaction::Begin(state_->db));
  DML_TRY(Statement update,
          state_->db.Prepare("UPDATE runs SET finished_us = ?, outcome = ?, hooks = ? "
                             "WHERE id = ?"));
  update.Bind(now.us).Bind(RunOutcomeName(outcome)).Bind(std::int64_t{hooks ? 1 : 0});
  DML_RETURN_IF_ERROR(update.Bind(run.value).Run());
  DML_TRY(Statement remove, state_->db.Prepare("DELETE FROM pending WHERE run = ?"));
  DML_RETURN_IF_ERROR(remove.Bind(run.value).Run());
  return transaction.Commit();
}

Result<int> RunStore::DueHook(RunId run) {
  DML_TRY(Statement query, state_->db.Prepare("SELECT hooks FROM runs WHERE id = ?"));
  DML_TRY(const bool found, query.Bind(run.value).Step());
  return found ? static_cast<int>(query.Int(0)) : 0;
}

Result<void> RunStore::SetDueHook(RunId run, int hook) {
  DML_TRY(Statement update, state_->db.Prepare("UPDATE runs SET hooks = ? WHERE id = ?"));
  return update.Bind(std::int64_t{hook}).Bind(run.value).Run();
}

Result<std::vector<RunId>> RunStore::RunsWithDueHooks() {
  DML_TRY(Statement query, state_->db.Prepare("SELECT id FROM runs WHERE hooks > 0 ORDER BY id"));
  std::vector<RunId> runs;
  while (true) {
    DML_TRY(const bool more, query.Step());
    if (!more) return runs;
    runs.push_back({query.Int(0)});
  }
}

Result<void> RunStore::MarkRun(RunId run, RunOutcome outcome) {
  DML_TRY(Statement update,
          state_->db.Prepare("UPDATE runs SET finished_us = NULL, outcome = ? WHERE id = ?"));
  return update.Bind(RunOutcomeName(outcome)).Bind(run.value).Run();
}

Result<std::optional<TaskResult>> RunStore::FindResult(const Digest& key) {
  DML_TRY(std::optional<TaskResult> own, FindOne(state_->find_cache, key));
  if (own || !state_->shared) return own;
  DML_TRY(std::optional<TaskResult> foreign, state_->shared->Find(key));
  if (foreign) foreign->foreign = true;
  return foreign;
}

Result<std::optional<Digest>> RunStore::FindFile(const std::string& path, const FileStamp& stamp) {
  Statement& find = state_->find_file;
  DML_TRY(const bool found, find.Bind(path).Step());
  if (!found) return std::optional<Digest>();
  const FileStamp known{find.Int(0), find.Int(1), find.Int(2), find.Int(3), find.Int(4)};
  const Digest digest = find.Hash(5);
  DML_RETURN_IF_ERROR(find.Step());
  return known == stamp ? std::optional<Digest>(digest) : std::nullopt;
}

Result<void> RunStore::RememberFile(const std::string& path, const FileStamp& stamp,
                                    const Digest& digest) {
  return state_->insert_file.Bind(path)
      .Bind(stamp.device)
      .Bind(stamp.inode)
      .Bind(stamp.size)
      .Bind(stamp.mtime_ns)
      .Bind(stamp.ctime_ns)
      .Bind(digest)
      .Run();
}

Result<RunStore::KeysOfRun> RunStore::LastKeys(const std::string& file, RunId before) {
  DML_TRY(Statement find,
          state_->db.Prepare("SELECT id FROM runs u WHERE file = ? AND id < ? AND EXISTS(SELECT 1 "
                             "FROM results x WHERE x.run = u.id) ORDER BY id DESC LIMIT 1"));
  KeysOfRun out;
  DML_TRY(const bool found, find.Bind(file).Bind(before.value).Step());
  if (!found) return out;
  out.run = {find.Int(0)};
  DML_TRY(Statement query,
          state_->db.Prepare("SELECT t.name, r.key FROM results r JOIN tasks t ON t.run = r.run "
                             "AND t.task = r.task WHERE r.run = ?"));
  query.Bind(out.run.value);
  while (true) {
    DML_TRY(const bool row, query.Step());
    if (!row) return out;
    out.keys.emplace(query.Text(0), query.Hash(1));
  }
}

}  // namespace dml::state

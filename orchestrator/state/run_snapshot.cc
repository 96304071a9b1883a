// Reading back what a run left, to go on with it.

#include <fmt/format.h>

#include <map>
#include <optional>

#include "orchestrator/state/run_store_state.h"

namespace dml::state {

namespace {

Result<RunSnapshot> LoadHeader(Database& db, RunId run) {
  DML_TRY(Statement query,
          db.Prepare("SELECT name, file, params, pipeline, options, started_us, outcome "
                     "FROM runs WHERE id = ?"));
  DML_TRY(const bool found, query.Bind(run.value).Step());
  if (!found) {
    return Error::Invalid(fmt::format("there is no run r{}", run.value), "'dml ls' lists them");
  }
  RunSnapshot snapshot;
  snapshot.header.name = query.Text(0);
  snapshot.header.file = query.Text(1);
  snapshot.header.pipeline = query.Text(3);
  snapshot.header.started = {query.Int(5)};
  snapshot.outcome = query.Text(6);
  DML_TRY(snapshot.header.params, ParseStored(query.Text(2)));
  DML_TRY(snapshot.header.options, ParseStored(query.Text(4)));
  return snapshot;
}

Result<void> LoadTasks(Database& db, RunId run, RunSnapshot& snapshot) {
  DML_TRY(Statement query, db.Prepare("SELECT task, name, step, state, attempt FROM tasks "
                                      "WHERE run = ? ORDER BY task"));
  query.Bind(run.value);
  while (true) {
    DML_TRY(const bool row, query.Step());
    if (!row) return {};
    if (query.Int(0) != static_cast<std::int64_t>(snapshot.tasks.size()) || query.Int(3) < 0 ||
        query.Int(3) >= static_cast<std::int64_t>(core::kTaskStateCount)) {
      return Error::Environment(fmt::format("the tasks of r{} in the store are damaged", run.value),
                                "start a new run");
    }
    StoredTask task;
    task.name = query.Text(1);
    task.step = query.Text(2);
    task.state = static_cast<core::TaskState>(query.Int(3));
    task.attempt = {static_cast<std::uint32_t>(query.Int(4))};
    snapshot.tasks.push_back(std::move(task));
  }
}

// When each task that had failed was taken up again last, by its place in the log.
Result<std::map<std::int64_t, std::int64_t>> LoadSecondChances(Database& db, RunId run) {
  DML_TRY(Statement query, db.Prepare("SELECT task, max(seq) FROM events WHERE run = ? AND "
                                      "from_state = ? AND to_state = ? GROUP BY task"));
  query.Bind(run.value).Bind(static_cast<std::int64_t>(core::TaskState::kFailed));
  query.Bind(static_cast<std::int64_t>(core::TaskState::kBlocked));
  std::map<std::int64_t, std::int64_t> chances;
  while (true) {
    DML_TRY(const bool row, query.Step());
    if (!row) return chances;
    chances[query.Int(0)] = query.Int(1);
  }
}

// The budgets already used, from the log. Who is taken up again has that for
// lost workers and nodes anew.
Result<void> LoadFailures(Database& db, RunId run, RunSnapshot& snapshot) {
  DML_TRY(Statement query,
          db.Prepare("SELECT task, failure, seq FROM events INDEXED BY events_failures "
                     "WHERE run = ? AND failure > 0 ORDER BY seq"));
  query.Bind(run.value);
  std::optional<std::map<std::int64_t, std::int64_t>> chances;
  while (true) {
    DML_TRY(const bool row, query.Step());
    if (!row) return {};
    if (!chances) {
      DML_TRY(chances, LoadSecondChances(db, run));
    }
    const auto task = static_cast<std::size_t>(query.Int(0));
    const auto kind = static_cast<std::size_t>(query.Int(1));
    if (task >= snapshot.tasks.size() || kind >= core::kFailureKindCount) continue;
    StoredTask& stored = snapshot.tasks[TaskId(task)];
    stored.last_failure = static_cast<core::FailureKind>(kind);
    const auto chance = chances->find(query.Int(0));
    const bool before = chance != chances->end() && query.Int(2) < chance->second;
    if (before && stored.last_failure == core::FailureKind::kInfrastructure) continue;
    stored.counts.Add(stored.last_failure);
  }
}

Result<PendingCommit> ParsePending(const Statement& row) {
  PendingCommit pending;
  pending.task = TaskId(static_cast<std::size_t>(row.Int(0)));
  pending.attempt = {static_cast<std::uint32_t>(row.Int(1))};
  pending.boot = row.Text(2);
  DML_TRY(const Json json, ParseStored(row.Text(3)));
  TaskResult& result = pending.result;
  DML_TRY(result.key, Digest::FromHex(json.value("key", "")));
  result.fields = CanonicalJson(json.value("fields", Json::object()));
  result.metrics = json.value("metrics", Json::object());
  result.warnings = json.value("warnings", std::vector<std::string>());
  result.wall.ns = json.value("wall_ns", std::int64_t{0});
  result.cpu.ns = json.value("cpu_ns", std::int64_t{0});
  result.memory_bytes = json.value("memory_bytes", std::int64_t{0});
  return pending;
}

Result<void> LoadPending(Database& db, RunId run, RunSnapshot& snapshot) {
  DML_TRY(Statement query, db.Prepare("SELECT task, attempt, boot, result FROM pending "
                                      "WHERE run = ? ORDER BY task"));
  query.Bind(run.value);
  while (true) {
    DML_TRY(const bool row, query.Step());
    if (!row) return {};
    DML_TRY(PendingCommit pending, ParsePending(query));
    if (pending.task.index() >= snapshot.tasks.size()) continue;
    const StoredTask& task = snapshot.tasks[pending.task];
    // Rows of attempts that have failed since may lie about.
    if (task.attempt != pending.attempt) continue;
    if (task.state == core::TaskState::kCommitting) {
      snapshot.pending.push_back(std::move(pending));
    } else if (core::IsInFlight(task.state)) {
      snapshot.launched.emplace(pending.task, pending.result.key);
    }
  }
}

// Tasks that were done and had to be done again.
Result<void> LoadRemade(Database& db, RunId run, RunSnapshot& snapshot) {
  DML_TRY(Statement query,
          db.Prepare("SELECT task, max(seq) FROM events INDEXED BY events_remade "
                     "WHERE run = ? AND to_state = 0 AND from_state IN (6, 7) GROUP BY task"));
  query.Bind(run.value);
  while (true) {
    DML_TRY(const bool row, query.Step());
    if (!row) return {};
    const auto task = static_cast<std::size_t>(query.Int(0));
    if (task < snapshot.tasks.size()) snapshot.remade.emplace(TaskId(task), query.Int(1));
  }
}

}  // namespace

Result<RunHeader> RunStore::Header(RunId run) {
  DML_TRY(RunSnapshot snapshot, LoadHeader(state_->db, run));
  return std::move(snapshot.header);
}

Result<RunSnapshot> RunStore::Load(RunId run) {
  Database& db = state_->db;
  DML_TRY(RunSnapshot snapshot, LoadHeader(db, run));
  DML_RETURN_IF_ERROR(LoadTasks(db, run, snapshot));
  DML_RETURN_IF_ERROR(LoadFailures(db, run, snapshot));
  DML_RETURN_IF_ERROR(LoadPending(db, run, snapshot));
  DML_RETURN_IF_ERROR(LoadRemade(db, run, snapshot));
  return snapshot;
}

Result<std::optional<RunId>> RunStore::NewestUnfinished() {
  DML_TRY(Statement query,
          state_->db.Prepare(
              "SELECT id FROM runs r WHERE outcome IN ('running', 'interrupted', 'cancelled') "
              "AND NOT EXISTS(SELECT 1 FROM runs n WHERE n.id > r.id AND n.file = r.file "
              "AND n.params = r.params AND n.options = r.options "
              "AND n.outcome = 'succeeded') ORDER BY id DESC LIMIT 1"));
  DML_TRY(const bool found, query.Step());
  if (!found) return std::optional<RunId>();
  return std::optional(RunId{query.Int(0)});
}

Result<std::vector<RunId>> RunStore::RunningRuns() {
  DML_TRY(Statement query, state_->db.Prepare("SELECT id FROM runs INDEXED BY runs_running "
                                              "WHERE outcome = 'running' ORDER BY id"));
  std::vector<RunId> runs;
  while (true) {
    DML_TRY(const bool row, query.Step());
    if (!row) return runs;
    runs.push_back({query.Int(0)});
  }
}

Result<std::int64_t> RunStore::LastStart(RunId run, TaskId task) {
  DML_TRY(Statement query, state_->db.Prepare("SELECT coalesce(max(seq), -1) FROM events "
                                              "WHERE run = ? AND task = ? AND to_state IN (2, 7)"));
  query.Bind(run.value).Bind(Number(task));
  DML_RETURN_IF_ERROR(query.Step());
  return query.Int(0);
}

Result<std::vector<OpenAttempt>> RunStore::OpenAttempts(RunId run) {
  DML_TRY(Statement query,
          state_->db.Prepare("SELECT task, name, state, attempt FROM tasks "
                             "WHERE run = ? AND state IN (2, 3, 4) ORDER BY task"));
  query.Bind(run.value);
  std::vector<OpenAttempt> attempts;
  while (true) {
    DML_TRY(const bool row, query.Step());
    if (!row) return attempts;
    attempts.push_back({TaskId(static_cast<std::size_t>(query.Int(0))),
                        query.Text(1),
                        static_cast<core::TaskState>(query.Int(2)),
                        {static_cast<std::uint32_t>(query.Int(3))}});
  }
}

Result<std::optional<Digest>> RunStore::FindKey(RunId run, TaskId task) {
  Statement& find = state_->find_key;
  DML_TRY(const bool found, find.Bind(run.value).Bind(Number(task)).Step());
  if (!found) return std::optional<Digest>();
  const Digest key = find.Hash(0);
  DML_RETURN_IF_ERROR(find.Step());
  return std::optional<Digest>(key);
}

}  // namespace dml::state

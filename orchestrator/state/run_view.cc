#include "orchestrator/state/run_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/presence.h"
#include "orchestrator/state/damage.h"
#include "orchestrator/state/database.h"
#include "orchestrator/state/result_json.h"
#include "orchestrator/state/run_files.h"

namespace dml::state {

namespace {

constexpr char kRunColumns[] =
    "SELECT id, name, file, params, pipeline, started_us, finished_us, outcome FROM runs ";

RunSummary ReadRun(const Statement& row) {
  RunSummary run;
  run.id = {row.Int(0)};
  run.name = row.Text(1);
  run.file = row.Text(2);
  run.params = Json::parse(row.Text(3), nullptr, false);
  run.pipeline = row.Text(4);
  run.started = {row.Int(5)};
  if (!row.IsNull(6)) run.finished = WallTime{row.Int(6)};
  run.outcome = row.Text(7);
  run.counts.resize(core::kTaskStateCount);
  return run;
}

// Turns the moves of one task into attempts.
void AddMove(std::vector<AttemptView>& attempts, const Statement& row) {
  const AttemptNumber number{static_cast<std::uint32_t>(row.Int(1))};
  const auto to = static_cast<core::TaskState>(row.Int(2));
  const WallTime at{row.Int(3)};
  if (to == core::TaskState::kLaunching) {
    attempts.push_back({number, at, {}, to, {}, row.Text(4)});
  } else if (!attempts.empty() && attempts.back().number == number && !attempts.back().ended) {
    AttemptView& attempt = attempts.back();
    attempt.ended_as = to;
    attempt.reason = row.Text(4);
    if (core::IsFinal(to) || to == core::TaskState::kBackoff) attempt.ended = at;
  }
}

}  // namespace

struct RunView::State {
  Database db;
  std::string home;

  Result<void> Count(RunSummary& run) {
    DML_TRY(Statement query,
            db.Prepare("SELECT state, count(*) FROM tasks WHERE run = ? GROUP BY state"));
    query.Bind(run.id.value);
    while (true) {
      DML_TRY(const bool row, query.Step());
      if (!row) return {};
      const auto state = static_cast<std::size_t>(query.Int(0));
      if (state < run.counts.size()) run.counts[state] = static_cast<std::size_t>(query.Int(1));
    }
  }
  Result<void> AddAttempts(RunId run, std::vector<TaskView>& tasks);
  Result<void> AddResults(RunId run, std::vector<TaskView>& tasks);
  Result<TaskResult> ReadResult(const Statement& row) const;
};

RunView::RunView(std::unique_ptr<State> state) : state_(std::move(state)) {}
RunView::RunView(RunView&&) noexcept = default;
RunView& RunView::operator=(RunView&&) noexcept = default;
RunView::~RunView() = default;

namespace {

Error NoRuns(const std::string& home) {
  return Error::Invalid(fmt::format("there are no runs in '{}'", home),
                        "start one with 'dml run pipeline.yaml', or name a folder with --home");
}

Result<bool> HasTables(Database& db) {
  DML_TRY(Statement query, db.Prepare("SELECT 1 FROM sqlite_master WHERE name = 'runs'"));
  return query.Step();
}

}  // namespace

Result<RunView> RunView::Open(const std::string& home) {
  const std::string path = home + "/dml.db";
  DML_RETURN_IF_ERROR(RefuseEmptied(path, HadRuns(path)));
  auto db = Database::Open(path, OpenMode::kReadOnly);
  DML_TRY(const bool there, IsThere(path));
  if (!db.ok() && !there) return NoRuns(home);
  if (!db.ok()) return std::move(db).error();
  DML_TRY(const bool begun, HasTables(*db));
  if (begun) return RunView(std::make_unique<State>(State{std::move(db).value(), home}));
  // A dml that was killed at its very beginning leaves an empty file, and no runs.
  if (!HadRuns(path)) return NoRuns(home);
  return DamagedStore(path, "it is empty");
}

Result<std::vector<RunSummary>> RunView::Runs(int limit) {
  std::vector<RunSummary> runs;
  {
    DML_TRY(Statement query,
            state_->db.Prepare(std::string(kRunColumns) + "ORDER BY id DESC LIMIT ?"));
    query.Bind(std::int64_t{limit});
    while (true) {
      DML_TRY(const bool row, query.Step());
      if (!row) break;
      runs.push_back(ReadRun(query));
    }
  }
  for (RunSummary& run : runs) DML_RETURN_IF_ERROR(state_->Count(run));
  return runs;
}

Result<RunSummary> RunView::Find(const std::string& selector) {
  if (selector.empty() || selector == "latest" || selector == "last") {
    DML_TRY(std::vector<RunSummary> newest, Runs(1));
    if (newest.empty()) return Error::Invalid("there are no runs yet");
    return std::move(newest.front());
  }
  const std::string digits = selector.starts_with('r') ? selector.substr(1) : selector;
  std::int64_t id = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), id);
  if (error != std::errc() || end != digits.data() + digits.size()) {
    return Error::Invalid(fmt::format("'{}' is not a run", selector),
                          "runs are called r1, r2, ... or latest; 'dml ls' lists them");
  }
  DML_TRY(Statement query, state_->db.Prepare(std::string(kRunColumns) + "WHERE id = ?"));
  DML_TRY(const bool found, query.Bind(id).Step());
  if (!found) return Error::Invalid(fmt::format("there is no run r{}", id), "'dml ls' lists them");
  RunSummary run = ReadRun(query);
  DML_RETURN_IF_ERROR(state_->Count(run));
  return run;
}

Result<std::vector<TaskView>> RunView::Tasks(RunId run) {
  std::vector<TaskView> tasks;
  DML_TRY(Statement query,
          state_->db.Prepare("SELECT task, name, step, state, attempt, changed_us, reason "
                             "FROM tasks WHERE run = ? ORDER BY task"));
  query.Bind(run.value);
  while (true) {
    DML_TRY(const bool row, query.Step());
    if (!row) break;
    TaskView task;
    task.id = TaskId(static_cast<std::size_t>(query.Int(0)));
    task.name = query.Text(1);
    task.step = query.Text(2);
    task.state = static_cast<core::TaskState>(query.Int(3));
    task.attempt = {static_cast<std::uint32_t>(query.Int(4))};
    task.changed = {query.Int(5)};
    task.reason = query.Text(6);
    tasks.push_back(std::move(task));
  }
  DML_RETURN_IF_ERROR(state_->AddAttempts(run, tasks));
  DML_RETURN_IF_ERROR(state_->AddResults(run, tasks));
  return tasks;
}

Result<TaskNow> RunView::Now(RunId run, TaskId task) {
  DML_TRY(
      Statement query,
      state_->db.Prepare("SELECT state, attempt, reason FROM tasks WHERE run = ? AND task = ?"));
  query.Bind(run.value).Bind(static_cast<std::int64_t>(task.value));
  DML_TRY(const bool row, query.Step());
  if (!row) return Error::Invalid("the run has no such task");
  return TaskNow{static_cast<core::TaskState>(query.Int(0)),
                 {static_cast<std::uint32_t>(query.Int(1))},
                 query.Text(2)};
}

Result<void> RunView::State::AddAttempts(RunId run, std::vector<TaskView>& tasks) {
  DML_TRY(Statement query, db.Prepare("SELECT task, attempt, to_state, at_us, reason FROM events "
                                      "WHERE run = ? AND attempt > 0 ORDER BY seq"));
  query.Bind(run.value);
  while (true) {
    DML_TRY(const bool row, query.Step());
    if (!row) return {};
    const auto task = static_cast<std::size_t>(query.Int(0));
    if (task < tasks.size()) AddMove(tasks[task].attempts, query);
  }
}

Result<TaskResult> RunView::State::ReadResult(const Statement& row) const {
  TaskResult result;
  result.key = row.Hash(1);
  result.fields = row.Text(2);
  DML_TRY(result.outputs, ArtifactsFromJson(Json::parse(row.Text(3), nullptr, false)));
  for (Artifact& artifact : result.outputs) {
    for (ArtifactFile& file : artifact.files) {
      const std::string hex = file.digest.Hex();
      file.path = fmt::format("{}/store/blobs/{}/{}", home, hex.substr(0, 2), hex);
    }
  }
  result.metrics = Json::parse(row.Text(4), nullptr, false);
  const Json warnings = Json::parse(row.Text(5), nullptr, false);
  for (const Json& warning : warnings) {
    if (warning.is_string()) result.warnings.push_back(warning.get<std::string>());
  }
  result.wall.ns = row.Int(6);
  result.cpu.ns = row.Int(7);
  result.memory_bytes = row.Int(8);
  return result;
}

Result<void> RunView::State::AddResults(RunId run, std::vector<TaskView>& tasks) {
  DML_TRY(Statement query,
          db.Prepare("SELECT r.task, c.key, c.fields, c.outputs, c.metrics, c.warnings, c.wall_ns, "
                     "c.cpu_ns, c.memory_bytes FROM results r JOIN cache c ON c.key = r.key "
                     "WHERE r.run = ?"));
  query.Bind(run.value);
  while (true) {
    DML_TRY(const bool row, query.Step());
    if (!row) return {};
    const auto task = static_cast<std::size_t>(query.Int(0));
    if (task >= tasks.size()) continue;
    DML_TRY(tasks[task].result, ReadResult(query));
  }
}

std::string RunView::LogPath(RunId run, const std::string& task, AttemptNumber attempt) const {
  return state::LogPath(state_->home, run, task, attempt);
}

}  // namespace dml::state

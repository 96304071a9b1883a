#include "orchestrator/state/shared_index.h"

#include <array>

#include "orchestrator/state/result_json.h"
#include "orchestrator/state/run_store_state.h"

namespace dml::state {

namespace {

constexpr char kTables[] = R"sql(
CREATE TABLE IF NOT EXISTS cache(
  key BLOB PRIMARY KEY,
  fields TEXT NOT NULL,
  outputs TEXT NOT NULL,
  metrics TEXT NOT NULL,
  warnings TEXT NOT NULL,
  wall_ns INTEGER NOT NULL,
  cpu_ns INTEGER NOT NULL,
  memory_bytes INTEGER NOT NULL,
  created_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS homes(path TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
)sql";

}  // namespace

Result<SharedIndex> SharedIndex::Open(const std::string& path, const std::string& home) {
  DML_TRY(Database db, Database::Open(path, OpenMode::kReadWrite));
  DML_RETURN_IF_ERROR(db.Execute(kTables));
  if (!home.empty()) {
    DML_TRY(Statement insert, db.Prepare("INSERT OR IGNORE INTO homes VALUES(?)"));
    DML_RETURN_IF_ERROR(insert.Bind(home).Run());
  }
  return SharedIndex(std::move(db));
}

Result<std::optional<TaskResult>> SharedIndex::Find(const Digest& key) {
  DML_TRY(Statement find,
          db_.Prepare("SELECT fields, outputs, metrics, warnings, wall_ns, cpu_ns, memory_bytes "
                      "FROM cache WHERE key = ?"));
  return FindOne(find, key);
}

Result<void> SharedIndex::Add(WallTime now, const TaskResult& result) {
  DML_TRY(Statement insert,
          db_.Prepare("INSERT OR REPLACE INTO cache VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)"));
  return BindResult(insert, now, result);
}

Result<std::vector<std::string>> SharedIndex::Homes() {
  DML_TRY(Statement query, db_.Prepare("SELECT path FROM homes ORDER BY path"));
  std::vector<std::string> homes;
  while (true) {
    DML_TRY(const bool row, query.Step());
    if (!row) return homes;
    homes.push_back(query.Text(0));
  }
}

Result<void> SharedIndex::ForgetHome(const std::string& home) {
  DML_TRY(Statement forget, db_.Prepare("DELETE FROM homes WHERE path = ?"));
  return forget.Bind(home).Run();
}

Result<void> SharedIndex::Remove(const std::vector<Digest>& keys) {
  if (keys.empty()) return {};
  DML_TRY(Transaction transaction, Transaction::Begin(db_));
  DML_TRY(Statement remove, db_.Prepare("DELETE FROM cache WHERE key = ?"));
  for (const Digest& key : keys) DML_RETURN_IF_ERROR(remove.Bind(key).Run());
  return transaction.Commit();
}

Result<void> SharedIndex::KeepOnly(const std::set<Digest>& keys) {
  DML_TRY(Statement query, db_.Prepare("SELECT key FROM cache"));
  std::vector<Digest> others;
  while (true) {
    DML_TRY(const bool row, query.Step());
    if (!row) return Remove(others);
    if (const Digest key = query.Hash(0); !keys.contains(key)) others.push_back(key);
  }
}

Result<void> BindResult(Statement& insert, WallTime now, const TaskResult& result) {
  // Small tasks mostly leave nothing, and printing that would cost as much as the row.
  const std::string outputs =
      result.outputs.empty() ? "[]" : CanonicalJson(ArtifactsToJson(result.outputs));
  const std::string metrics =
      result.metrics == Json::object() ? "{}" : CanonicalJson(result.metrics);
  const std::string warnings =
      result.warnings.empty() ? "[]" : CanonicalJson(Json(result.warnings));
  return insert.Bind(result.key)
      .Bind(result.fields)
      .Bind(outputs)
      .Bind(metrics)
      .Bind(warnings)
      .Bind(result.wall.ns)
      .Bind(result.cpu.ns)
      .Bind(result.memory_bytes)
      .Bind(now.us)
      .Run();
}

Result<std::optional<TaskResult>> FindOne(Statement& find, const Digest& key) {
  DML_TRY(const bool found, find.Bind(key).Step());
  if (!found) return std::optional<TaskResult>();
  TaskResult result;
  result.key = key;
  result.fields = find.Text(0);
  const std::array<std::string, 3> texts{find.Text(1), find.Text(2), find.Text(3)};
  result.wall.ns = find.Int(4);
  result.cpu.ns = find.Int(5);
  result.memory_bytes = find.Int(6);
  DML_RETURN_IF_ERROR(find.Step());
  DML_TRY(const Json outputs, ParseStored(texts[0]));
  DML_TRY(result.outputs, ArtifactsFromJson(outputs));
  DML_TRY(result.metrics, ParseStored(texts[1]));
  DML_TRY(const Json warnings, ParseStored(texts[2]));
  for (const Json& warning : warnings) {
    if (warning.is_string()) result.warnings.push_back(warning.get<std::string>());
  }
  return std::optional<TaskResult>(std::move(result));
}

}  // namespace dml::state

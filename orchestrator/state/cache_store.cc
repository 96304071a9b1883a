#include "orchestrator/state/cache_store.h"

#include "base/json.h"
#include "orchestrator/core/fingerprint.h"
#include "orchestrator/state/result_json.h"
#include "orchestrator/state/schema.h"

namespace dml::state {

Result<CacheStore> CacheStore::Open(const std::string& path, OpenMode mode) {
  DML_TRY(Database db, Database::Open(path, mode));
  DML_RETURN_IF_ERROR(mode == OpenMode::kReadWrite ? Migrate(db) : RequireVersion(db));
  return CacheStore(std::move(db));
}

Result<std::vector<CacheRow>> CacheStore::List() {
  // The newest task of a key: SQLite takes the other columns from the row of the maximum.
  DML_TRY(Statement query,
          db_.Prepare(
              "SELECT c.key, coalesce(n.name, ''), coalesce(n.run, 0), c.created_us, "
              "c.outputs, c.fields FROM cache c LEFT JOIN (SELECT r.key AS key, t.name AS name, "
              "max(r.run) AS run FROM results r JOIN tasks t ON t.run = r.run AND "
              "t.task = r.task GROUP BY r.key) n ON n.key = c.key "
              "ORDER BY c.created_us DESC, c.key"));
  std::vector<CacheRow> rows;
  while (true) {
    DML_TRY(const bool more, query.Step());
    if (!more) return rows;
    CacheRow row{query.Hash(0), query.Text(1), {query.Int(2)}, {query.Int(3)}, {}};
    row.reusable = core::IsKeyOf(row.key, query.Text(5));
    const Json outputs = Json::parse(query.Text(4), nullptr, /*allow_exceptions=*/false);
    DML_TRY(row.outputs, ArtifactsFromJson(outputs));
    rows.push_back(std::move(row));
  }
}

Result<std::set<Digest>> CacheStore::KeysInUse(int keep_runs) {
  DML_TRY(Statement query,
          db_.Prepare("SELECT DISTINCT key FROM results WHERE run IN (SELECT id FROM (SELECT id, "
                      "outcome, row_number() OVER (PARTITION BY file ORDER BY id DESC) AS age "
                      "FROM runs) WHERE age <= ? OR outcome IN ('running', 'interrupted', "
                      "'cancelled'))"));
  query.Bind(std::int64_t{keep_runs});
  std::set<Digest> keys;
  while (true) {
    DML_TRY(const bool more, query.Step());
    if (!more) return keys;
    keys.insert(query.Hash(0));
  }
}

Result<std::vector<RunId>> CacheStore::EndedRuns() {
  DML_TRY(Statement query,
          db_.Prepare("SELECT id FROM runs WHERE outcome IN ('succeeded', 'failed') ORDER BY id"));
  std::vector<RunId> runs;
  while (true) {
    DML_TRY(const bool more, query.Step());
    if (!more) return runs;
    runs.push_back({query.Int(0)});
  }
}

Result<void> CacheStore::Remove(const std::vector<Digest>& keys) {
  DML_TRY(Transaction transaction, Transaction::Begin(db_));
  DML_TRY(Statement remove, db_.Prepare("DELETE FROM cache WHERE key = ?"));
  for (const Digest& key : keys) DML_RETURN_IF_ERROR(remove.Bind(key).Run());
  return transaction.Commit();
}

}  // namespace dml::state

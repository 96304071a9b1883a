#include "orchestrator/state/schema.h"

#include <array>
#include <string>

namespace dml::state {

namespace {

// One entry a version. States are the numbers of core::TaskState; times are microseconds, UTC;
// durations are nanoseconds; digests are 32-byte blobs.
constexpr std::array<const char*, kSchemaVersion> kMigrations{R"sql(
CREATE TABLE runs(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL,
  file TEXT NOT NULL,
  params TEXT NOT NULL,
  pipeline TEXT NOT NULL,
  options TEXT NOT NULL,
  started_us INTEGER NOT NULL,
  finished_us INTEGER,
  outcome TEXT NOT NULL
) STRICT;
CREATE TABLE tasks(
  run INTEGER NOT NULL,
  task INTEGER NOT NULL,
  name TEXT NOT NULL,
  step TEXT NOT NULL,
  state INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  changed_us INTEGER NOT NULL,
  reason TEXT NOT NULL,
  PRIMARY KEY(run, task)
) STRICT, WITHOUT ROWID;
CREATE TABLE events(
  run INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  task INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  from_state INTEGER NOT NULL,
  to_state INTEGER NOT NULL,
  at_us INTEGER NOT NULL,
  reason TEXT,
  PRIMARY KEY(run, seq)
) STRICT, WITHOUT ROWID;
CREATE TABLE results(
  run INTEGER NOT NULL,
  task INTEGER NOT NULL,
  key BLOB NOT NULL,
  PRIMARY KEY(run, task)
) STRICT, WITHOUT ROWID;
CREATE TABLE cache(
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
CREATE TABLE files(
  path TEXT PRIMARY KEY,
  device INTEGER NOT NULL,
  inode INTEGER NOT NULL,
  size INTEGER NOT NULL,
  mtime_ns INTEGER NOT NULL,
  ctime_ns INTEGER NOT NULL,
  digest BLOB NOT NULL
) STRICT, WITHOUT ROWID;
)sql",
                                                              R"sql(
ALTER TABLE events ADD COLUMN failure INTEGER NOT NULL DEFAULT 0;
CREATE INDEX events_failures ON events(run, task, failure) WHERE failure > 0;
CREATE INDEX runs_running ON runs(id) WHERE outcome = 'running';
CREATE TABLE pending(
  run INTEGER NOT NULL,
  task INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  boot TEXT NOT NULL,
  result TEXT NOT NULL,
  PRIMARY KEY(run, task)
) STRICT, WITHOUT ROWID;
)sql",
                                                              // The next hook that is due, from 1.
                                                              R"sql(
ALTER TABLE runs ADD COLUMN hooks INTEGER NOT NULL DEFAULT 0;
CREATE INDEX runs_hooks ON runs(id) WHERE hooks > 0;
)sql",
                                                              // Keys are random: rows in their
                                                              // order would dirty a page each.
                                                              R"sql(
ALTER TABLE cache RENAME TO cache_by_key;
CREATE TABLE cache(
  key BLOB PRIMARY KEY,
  fields TEXT NOT NULL,
  outputs TEXT NOT NULL,
  metrics TEXT NOT NULL,
  warnings TEXT NOT NULL,
  wall_ns INTEGER NOT NULL,
  cpu_ns INTEGER NOT NULL,
  memory_bytes INTEGER NOT NULL,
  created_us INTEGER NOT NULL
) STRICT;
INSERT INTO cache SELECT * FROM cache_by_key;
DROP TABLE cache_by_key;
)sql",
                                                              // Outputs that were made again: what
                                                              // a resumed run has to look at.
                                                              R"sql(
CREATE INDEX events_remade ON events(run, task, seq) WHERE to_state = 0 AND from_state IN (6, 7);
)sql",
                                                              // What is run once; see RunHeader.
                                                              R"sql(
ALTER TABLE runs ADD COLUMN once TEXT;
CREATE UNIQUE INDEX runs_once ON runs(once) WHERE once IS NOT NULL;
)sql"};

}  // namespace

Result<void> RequireVersion(Database& db) {
  DML_TRY(Statement statement, db.Prepare("PRAGMA user_version"));
  DML_RETURN_IF_ERROR(statement.Step());
  if (statement.Int(0) == kSchemaVersion) return {};
  return Error::Environment(
      "the store was written by another version of dml, and cannot be written",
      "use that version, or make the home writable");
}

Result<void> Migrate(Database& db) {
  // A process may have been stopped in the middle of a transaction, and whoever is to end it must
  // not wait for that.
  DML_TRY(std::int64_t version, VersionOf(db));
  if (version == kSchemaVersion) return {};
  DML_TRY(Transaction transaction, Transaction::Begin(db));
  DML_TRY(version, VersionOf(db));
  if (version > kSchemaVersion) {
    return Error::Environment("the store was written by a newer dml",
                              "use that version, or another folder with --home");
  }
  for (std::int64_t next = version; next < kSchemaVersion; ++next) {
    DML_RETURN_IF_ERROR(db.Execute(kMigrations[static_cast<std::size_t>(next)]));
  }
  if (version < kSchemaVersion) {
    DML_RETURN_IF_ERROR(db.Execute("PRAGMA user_version = " + std::to_string(kSchemaVersion)));
  }
  return transaction.Commit();
}

}  // namespace dml::state

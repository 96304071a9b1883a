#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/artifact.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/ids.h"
#include "base/result.h"
#include "orchestrator/state/consumers.h"
#include "orchestrator/state/database.h"

namespace dml::state {

// A result in the cache.
struct CacheRow {
  Digest key;
  std::string task;  // the name of the newest task that has it; empty if there is none
  RunId run;         // of that task
  WallTime created;
  std::vector<Artifact> outputs;  // paths are not filled in
  bool reusable = true;           // else only by the run that made it, when that is resumed
};

// What can be reused, as the commands that look after it see it. Not thread-safe.
class CacheStore {
 public:
  // Read-only: only to look.
  static Result<CacheStore> Open(const std::string& path, OpenMode mode = OpenMode::kReadWrite);

  // Newest first.
  [[nodiscard]] Result<std::vector<CacheRow>> List();
  // The keys that the newest `keep_runs` runs of every pipeline have, and all unfinished runs,
  // however old: they may be resumed.
  [[nodiscard]] Result<std::set<Digest>> KeysInUse(int keep_runs);
  // Runs that are over for good: nothing of their attempts is needed.
  [[nodiscard]] Result<std::vector<RunId>> EndedRuns();
  // See consumers.h.
  [[nodiscard]] Result<std::vector<Consumer>> ConsumersSince(
      const std::map<Digest, WallTime>& artifacts) {
    return state::ConsumersSince(db_, artifacts);
  }
  // In one transaction, before any file goes: a result never lacks files without our knowing.
  Result<void> Remove(const std::vector<Digest>& keys);

 private:
  explicit CacheStore(Database db) : db_(std::move(db)) {}
  Database db_;
};

}  // namespace dml::state

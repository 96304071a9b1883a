#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "orchestrator/state/consumers.h"
#include "orchestrator/state/database.h"
#include "orchestrator/state/run_store.h"

namespace dml::state {

// What is in a store that several homes share, and which homes these are. Every home keeps its own
// results in its own database as well; this is where they find each other's. Not thread-safe.
class SharedIndex {
 public:
  // Notes that `home` uses the store; "": who only reads.
  static Result<SharedIndex> Open(const std::string& path, const std::string& home);

  [[nodiscard]] Result<std::optional<TaskResult>> Find(const Digest& key);
  Result<void> Add(WallTime now, const TaskResult& result);
  [[nodiscard]] Result<std::vector<std::string>> Homes();
  // One that is gone for good; it is noted again if it comes back.
  Result<void> ForgetHome(const std::string& home);
  // See consumers.h.
  [[nodiscard]] Result<std::vector<Consumer>> ConsumersSince(
      const std::map<Digest, WallTime>& artifacts) {
    return state::ConsumersSince(db_, artifacts);
  }
  // In one transaction.
  Result<void> Remove(const std::vector<Digest>& keys);
  // Removes all but these.
  Result<void> KeepOnly(const std::set<Digest>& keys);

 private:
  explicit SharedIndex(Database db) : db_(std::move(db)) {}
  Database db_;
};

// The columns of a result, for the two tables that hold results: "fields, outputs, metrics,
// warnings, wall_ns, cpu_ns, memory_bytes".
Result<void> BindResult(Statement& insert, WallTime now, const TaskResult& result);
Result<std::optional<TaskResult>> FindOne(Statement& find, const Digest& key);

}  // namespace dml::state

#pragma once

#include "orchestrator/state/database.h"
#include "orchestrator/state/run_store.h"
#include "orchestrator/state/shared_index.h"

// The inside of RunStore, shared by the files that implement it and by nobody else.
namespace dml::state {

inline std::int64_t Number(TaskId task) { return static_cast<std::int64_t>(task.value); }
inline std::int64_t Number(core::TaskState state) { return static_cast<std::int64_t>(state); }

inline Result<Json> ParseStored(const std::string& text) {
  Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) return Error::Environment("the store holds malformed JSON");
  return json;
}

// Statements are prepared once: preparing costs more than running them.
struct RunStore::State {
  Database db;
  Statement insert_event;
  Statement update_task;
  Statement insert_result;
  Statement insert_cache;
  Statement find_cache;
  Statement find_file;
  Statement insert_file;
  Statement insert_pending;
  Statement find_key;
  std::unique_ptr<SharedIndex> shared = {};
  RunId logged;                 // the run that `next_event` belongs to
  std::int64_t next_event = 0;  // its log is numbered without gaps

  Result<void> FindEndOfLog(RunId run);
  Result<void> WriteChange(RunId run, WallTime now, const StateChange& change);
  Result<void> UpdateTask(RunId run, WallTime now, const StateChange& change);
  Result<void> WriteResult(WallTime now, const TaskResult& result);
  Result<void> WritePending(RunId run, const PendingCommit& pending);
  Result<void> Link(RunId run, TaskId task, const Digest& key) {
    return insert_result.Bind(run.value).Bind(Number(task)).Bind(key).Run();
  }
};

}  // namespace dml::state

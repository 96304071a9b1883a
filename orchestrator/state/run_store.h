#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/artifact.h"
#include "base/clock.h"
#include "base/ids.h"
#include "base/json.h"
#include "base/result.h"
#include "orchestrator/core/task_state.h"

namespace dml::state {

// What a run was asked to do; written once, at its beginning.
struct RunHeader {
  std::string name;
  std::string file;
  Json params = Json::object();
  std::string pipeline;  // the text, for the report
  Json options = Json::object();
  WallTime started;
};

struct TaskHeader {
  std::string name;
  std::string step;
};

// One move of one task: a row of the event log.
struct StateChange {
  TaskId task;
  core::TaskState from = core::TaskState::kBlocked;
  core::TaskState to = core::TaskState::kBlocked;
  AttemptNumber attempt;
  std::string reason;
};

// What a task left behind, under its cache key.
struct TaskResult {
  Digest key;
  Json fields = Json::object();   // the named parts of the key
  std::vector<Artifact> outputs;  // file paths are not stored: blobs are found by digest
  Json metrics = Json::object();
  std::vector<std::string> warnings;
  Duration wall{0};
  Duration cpu{0};
  std::int64_t memory_bytes = 0;
};

// What identifies the content of a file without reading it.
struct FileStamp {
  std::int64_t device = 0;
  std::int64_t inode = 0;
  std::int64_t size = 0;
  std::int64_t mtime_ns = 0;
  std::int64_t ctime_ns = 0;
  friend bool operator==(const FileStamp&, const FileStamp&) = default;
};

struct FileEntry {
  std::string path;
  FileStamp stamp;
  Digest digest;
};

enum class RunOutcome { kRunning, kSucceeded, kFailed, kCancelled };
[[nodiscard]] std::string_view RunOutcomeName(RunOutcome outcome);

// Everything one loop iteration wants to be durable, written in one transaction.
struct Batch {
  std::vector<StateChange> changes;
  std::vector<std::pair<TaskId, TaskResult>> results;  // new results, entered into the cache
  std::vector<std::pair<TaskId, Digest>> reused;       // keys of results that stand
  std::vector<FileEntry> files;                        // content hashes of input files

  [[nodiscard]] bool empty() const {
    return changes.empty() && results.empty() && reused.empty() && files.empty();
  }
};

// The writing side of the store: an append-only log of state changes, the task table that is its
// fold, and the cache. One owner at a time; not thread-safe.
class RunStore {
 public:
  static Result<RunStore> Open(const std::string& path);
  RunStore(RunStore&&) noexcept;
  RunStore& operator=(RunStore&&) noexcept;
  ~RunStore();

  Result<RunId> BeginRun(const RunHeader& header, std::span<const TaskHeader> tasks);
  Result<void> Append(RunId run, WallTime now, const Batch& batch);
  Result<void> EndRun(RunId run, WallTime now, RunOutcome outcome);

  [[nodiscard]] Result<std::optional<TaskResult>> FindResult(const Digest& key);
  [[nodiscard]] Result<std::optional<Digest>> FindFile(const std::string& path,
                                                       const FileStamp& stamp);
  Result<void> RememberFile(const std::string& path, const FileStamp& stamp, const Digest& digest);
  // The keys of the newest run of this file that has results, by task name: what changed since.
  [[nodiscard]] Result<std::map<std::string, Digest>> LastKeys(const std::string& file);
  // Mean wall time per step type or task name over the cache, for the critical path.
  [[nodiscard]] Result<std::map<std::string, Duration>> MeanDurations();

 private:
  struct State;
  explicit RunStore(std::unique_ptr<State> state);
  Result<void> Write(RunId run, WallTime now, const Batch& batch);
  std::unique_ptr<State> state_;
};

}  // namespace dml::state

#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/artifact.h"
#include "base/clock.h"
#include "base/file_stamp.h"
#include "base/ids.h"
#include "base/json.h"
#include "base/result.h"
#include "orchestrator/core/retry.h"
#include "orchestrator/core/task_state.h"
#include "orchestrator/state/database.h"

namespace dml::state {

// What a run was asked to do; written once, at its beginning.
struct RunHeader {
  std::string name;
  std::string file;
  Json params = Json::object();
  std::string pipeline;  // the text, for the report
  Json options = Json::object();
  WallTime started;
  std::string once = {};  // what at most one run is about; "": nothing of the kind
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
  core::FailureKind failure = core::FailureKind::kNone;  // of the attempt that the move ends
};

// What a task left behind, under its cache key.
struct TaskResult {
  Digest key;
  std::string fields;             // the named parts of the key, as core::KeyFields gives them
  std::vector<Artifact> outputs;  // file paths are not stored: blobs are found by digest
  Json metrics = Json::object();
  std::vector<std::string> warnings;
  Duration wall{0};
  Duration cpu{0};
  std::int64_t memory_bytes = 0;
  bool foreign = false;  // found in the index of a shared cache: another home made it
};

struct FileEntry {
  std::string path;
  FileStamp stamp;
  Digest digest;
};

// Running may mean that its process is dead and nobody has noticed yet; interrupted: somebody has.
enum class RunOutcome { kRunning, kSucceeded, kFailed, kCancelled, kInterrupted };
[[nodiscard]] std::string_view RunOutcomeName(RunOutcome outcome);

// An attempt that has succeeded and whose outputs are on their way into the store: all that is
// needed to store them again after a crash. Or, without anything that comes of it, one that reads
// files outside the store and was launched: what they were then nobody could tell later.
struct PendingCommit {
  TaskId task;
  AttemptNumber attempt;
  std::string boot;   // of the machine: what was not synced is gone after the next one
  TaskResult result;  // without outputs
};

// A task as the store has it.
struct StoredTask {
  std::string name;
  std::string step;
  core::TaskState state = core::TaskState::kBlocked;
  AttemptNumber attempt;
  core::AttemptCounts counts;
  core::FailureKind last_failure = core::FailureKind::kNone;
};

// Everything that is needed to go on with a run.
struct RunSnapshot {
  RunHeader header;
  std::string outcome;  // RunOutcomeName
  IdMap<TaskId, StoredTask> tasks;
  std::vector<PendingCommit> pending;
  std::map<TaskId, Digest> launched;      // keys of attempts in flight, if they were written down
  std::map<TaskId, std::int64_t> remade;  // where in the log outputs were last given up
};

// An attempt of a task that may be under way.
struct OpenAttempt {
  TaskId task;
  std::string name;
  core::TaskState state = core::TaskState::kBlocked;
  AttemptNumber attempt;
};

// Everything one loop iteration wants to be durable, written in one transaction.
struct Batch {
  std::vector<StateChange> changes;
  std::vector<std::pair<TaskId, TaskResult>> results;  // new results, entered into the cache
  std::vector<std::pair<TaskId, Digest>> reused;       // keys of results that stand
  std::vector<FileEntry> files;                        // content hashes of input files
  std::vector<PendingCommit> pending;                  // of tasks that are committing now, and some
                                                       // that are launched: see there

  [[nodiscard]] bool empty() const {
    return changes.empty() && results.empty() && reused.empty() && files.empty() && pending.empty();
  }
};

// The writing side of the store: an append-only log of state changes, the task table that is its
// fold, and the cache. One owner at a time; not thread-safe.
class RunStore {
 public:
  // Read-only: for whoever changes nothing, of a home that cannot be written.
  static Result<RunStore> Open(const std::string& path, OpenMode mode = OpenMode::kReadWrite);
  RunStore(RunStore&&) noexcept;
  RunStore& operator=(RunStore&&) noexcept;
  ~RunStore();

  // Also looks results up in, and adds them to, the index of a store that several homes share.
  // That index is never trusted to be complete: what it lacks is made again.
  Result<void> Share(const std::string& index, const std::string& home);

  Result<RunId> BeginRun(const RunHeader& header, std::span<const TaskHeader> tasks);
  // The run that has begun with this RunHeader::once.
  [[nodiscard]] Result<std::optional<RunId>> FindOnce(const std::string& once);
  Result<void> Append(RunId run, WallTime now, const Batch& batch);
  // `hooks`: there are some to be run now; this is what remembers them.
  Result<void> EndRun(RunId run, WallTime now, RunOutcome outcome, bool hooks = false);
  // The hook of an ended run that is to be run next, from 1; 0: none is left.
  [[nodiscard]] Result<int> DueHook(RunId run);
  Result<void> SetDueHook(RunId run, int hook);
  // Runs whose hooks are not all done.
  [[nodiscard]] Result<std::vector<RunId>> RunsWithDueHooks();
  // Says that a run is unfinished and why: kRunning, it goes on; kInterrupted, its process is dead.
  Result<void> MarkRun(RunId run, RunOutcome outcome);

  // kInvalid if there is no such run.
  [[nodiscard]] Result<RunHeader> Header(RunId run);
  [[nodiscard]] Result<RunSnapshot> Load(RunId run);
  // Runs that nobody has seen end, oldest first. Costs nothing for the others.
  [[nodiscard]] Result<std::vector<RunId>> RunningRuns();
  // The newest run that is running, interrupted or cancelled and that no later run of the same
  // pipeline has made up for.
  [[nodiscard]] Result<std::optional<RunId>> NewestUnfinished();
  // The launching, running and committing tasks of a run.
  [[nodiscard]] Result<std::vector<OpenAttempt>> OpenAttempts(RunId run);
  // Where in the log a task was last launched or reused; -1: never. Reads the log of the run.
  [[nodiscard]] Result<std::int64_t> LastStart(RunId run, TaskId task);
  // The key of a task's result in a run, if it has one.
  [[nodiscard]] Result<std::optional<Digest>> FindKey(RunId run, TaskId task);

  [[nodiscard]] Result<std::optional<TaskResult>> FindResult(const Digest& key);
  [[nodiscard]] Result<std::optional<Digest>> FindFile(const std::string& path,
                                                       const FileStamp& stamp);
  Result<void> RememberFile(const std::string& path, const FileStamp& stamp, const Digest& digest);
  // The keys of the newest run of this file before `before` that has results, by task name: what
  // changed since. `run` is 0 and the rest empty if there is none.
  struct KeysOfRun {
    RunId run;
    std::unordered_map<std::string, Digest> keys;
  };
  [[nodiscard]] Result<KeysOfRun> LastKeys(const std::string& file, RunId before);
  // Mean wall time of a step, from a sample of the newest runs, for the critical path.
  [[nodiscard]] Result<std::map<std::string, Duration>> MeanDurations();

 private:
  struct State;
  explicit RunStore(std::unique_ptr<State> state);
  Result<void> Write(RunId run, WallTime now, const Batch& batch);
  std::unique_ptr<State> state_;
};

}  // namespace dml::state

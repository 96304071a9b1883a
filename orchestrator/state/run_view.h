#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/artifact.h"
#include "base/clock.h"
#include "base/ids.h"
#include "base/json.h"
#include "base/result.h"
#include "orchestrator/core/task_state.h"
#include "orchestrator/state/run_store.h"

namespace dml::state {

struct RunSummary {
  RunId id;
  std::string name;
  std::string file;
  Json params;
  std::string pipeline;  // the text of the file when the run began
  WallTime started;
  std::optional<WallTime> finished;
  std::string outcome;              // RunOutcomeName
  std::vector<std::size_t> counts;  // by core::TaskState
};

// An attempt as the log tells it.
struct AttemptView {
  AttemptNumber number;
  WallTime launched;
  std::optional<WallTime> ended;
  core::TaskState ended_as = core::TaskState::kRunning;
  std::string reason;
  std::string why;  // it was launched
};

struct TaskView {
  TaskId id;
  std::string name;
  std::string step;
  core::TaskState state = core::TaskState::kBlocked;
  AttemptNumber attempt;
  WallTime changed;
  std::string reason;
  std::vector<AttemptView> attempts;
  std::optional<TaskResult> result;  // of succeeded and reused tasks; file paths are filled in
};

// What changes about a task while somebody watches it.
struct TaskNow {
  core::TaskState state = core::TaskState::kBlocked;
  AttemptNumber attempt;  // the newest; 0: it has had none
  std::string reason;
};

// The reading side of the store, for status, logs, metrics and reports. Opens the database
// read-only and sees a consistent snapshot per call, also while a run is going on.
class RunView {
 public:
  // `home`: the .dml folder.
  static Result<RunView> Open(const std::string& home);
  RunView(RunView&&) noexcept;
  RunView& operator=(RunView&&) noexcept;
  ~RunView();

  [[nodiscard]] Result<std::vector<RunSummary>> Runs(int limit);  // newest first
  // "r12", "12", "latest" or "" (the newest). kInvalid if there is none.
  [[nodiscard]] Result<RunSummary> Find(const std::string& selector);
  [[nodiscard]] Result<std::vector<TaskView>> Tasks(RunId run);
  // One row, whatever the size of the run. kInvalid if the run has no such task.
  [[nodiscard]] Result<TaskNow> Now(RunId run, TaskId task);
  [[nodiscard]] std::string LogPath(RunId run, const std::string& task,
                                    AttemptNumber attempt) const;

 private:
  struct State;
  explicit RunView(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace dml::state

#pragma once

#include <optional>
#include <string>

#include "base/ids.h"
#include "base/result.h"
#include "cli/display/output.h"
#include "orchestrator/state/run_view.h"

namespace dml::cli {

// Whose log is wanted: `task` as it was in `run` when somebody asked.
struct LogOwner {
  RunId run;
  state::TaskView task;
};

// Copies the log at `path` to stdout as it is now, byte for byte. False if there is nothing in it.
Result<bool> CopyLog(const std::string& path, const Output& output);

// Copies what the task writes until it ends, or its run dies: from its first attempt on if it has
// not begun, else from its newest, and every later one; or of `only` alone. Notes on the other
// channel say what it waits for and which attempt begins. False if nothing was written; kInvalid if
// the task ended without an attempt. `home`: the folder itself.
Result<bool> FollowLog(state::RunView& view, const LogOwner& owner,
                       std::optional<AttemptNumber> only, const std::string& home,
                       const Output& output);

// A task of whose own there is no log in `run`, and why.
Error DidNotRun(RunId run, const std::string& task, const std::string& reason);

}  // namespace dml::cli

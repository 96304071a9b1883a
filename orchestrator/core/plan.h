#pragma once

#include <array>
#include <functional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "orchestrator/core/task_graph.h"

namespace dml::core {

// What a run will do with a task.
enum class Decision {
  kRun,    // certainly
  kReuse,  // the store holds its outputs
  kMaybe,  // a producer runs first: if that gives the same outputs again, this is reused
  kSkip,   // not wanted, or its `if:` is false
};

struct PlannedTask {
  Decision decision = Decision::kRun;
  std::string reason;  // "params.C 0.1 -> 0.2", "no earlier result", "waits for split"
  std::vector<std::string> changes = {};  // everything in its key that differs from the last run
};

struct Plan {
  IdMap<TaskId, PlannedTask> tasks;

  [[nodiscard]] std::size_t count(Decision decision) const;
};

// Decides about one task all of whose producers are reused; the effects (hashing, looking up) are
// behind it. An error is about the user's files and ends the plan.
using Decide = std::function<Result<PlannedTask>(TaskId task)>;

// Visits tasks producers first. `initial` marks the tasks that are known without looking: those not
// wanted (kSkip) and those that run (kRun); kMaybe means: find out, and with a reason, that only a
// producer that is skipped can keep it from running. `name` is for reasons.
Result<Plan> MakePlan(const TaskGraph& graph, IdMap<TaskId, PlannedTask> initial,
                      const Decide& decide, const std::function<std::string(TaskId)>& name);

}  // namespace dml::core

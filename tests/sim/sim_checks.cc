// What the simulation holds against the program, from the outside.

#include <fmt/format.h>

#include <algorithm>

#include "orchestrator/core/fingerprint.h"
#include "orchestrator/core/retry.h"
#include "orchestrator/state/run_view.h"
#include "tests/sim/sim_node.h"
#include "tests/sim/simulated_run.h"
#include "tests/state/log_replay.h"

namespace dml::engine {

using core::TaskState;

void SimulatedRun::CheckChange(const TaskUpdate& update) {
  const auto attempt = std::pair(update.task, update.attempt);
  if (update.from == TaskState::kFailed) ++second_chances_[update.task];
  if (update.to == TaskState::kBlocked && update.reason.starts_with("what it read")) {
    remakes_.insert(update.task);
    ++counts_.outdated;
  } else if (update.to == TaskState::kBlocked && core::HasOutputs(update.from)) {
    remakes_.insert(update.task);
  } else if (update.to == TaskState::kBackoff || update.to == TaskState::kFailed) {
    given_up_.insert(attempt);
  } else if (update.to == TaskState::kCommitting || update.to == TaskState::kSucceeded) {
    Check(!given_up_.contains(attempt), "an attempt that was given up is committed");
  }
}

void SimulatedRun::CheckLaunch(const runners::LaunchSpec& spec) {
  const TaskId task = spec.key.task;
  for (const Artifact& input : spec.inputs) {
    for (const ArtifactFile& file : input.files) {
      const auto digest = disk_.Hash(file.path);
      const bool just_gone = !digest.ok() && gone_.contains(file.path);
      Check(just_gone || (digest.ok() && *digest == file.digest),
            "launched on an input that is not whole");
    }
  }
  for (const auto& edge : pipeline_.tasks[fusion_.members[task].front()].inputs) {
    const auto key = store_->FindKey(spec.key.run, edge.producer);
    Check(key.ok() && *key, "launched before its producer was stored");
  }
  double cpus = pipeline_.tasks[task].resources.cpus;
  std::int64_t memory = spec.memory_bytes;
  std::size_t others = 0;
  for (const auto& [key, live] : node_->live()) {
    if (live.given_up) continue;
    Check(key.task != task, "two live attempts of one task");
    cpus += pipeline_.tasks[key.task].resources.cpus;
    memory += live.spec.memory_bytes;
    ++others;
  }
  const bool alone = others == 0;
  Check(alone || cpus <= scenario_.cpus + scenario_.options.prefetch_max, "too many cpus in use");
  Check(alone || scenario_.memory_bytes == 0 || memory <= scenario_.memory_bytes,
        "too much memory in use");
  Check(spec.key.attempt.value > last_attempt_[task], "an attempt number is used twice");
  last_attempt_[task] = spec.key.attempt.value;
  const int remakes = remakes_.contains(task) ? deaths_ + losses_ : 0;
  const pipelines::RetryPolicy& retry = pipeline_.tasks[task].retry;
  const int budget = retry.limit + 1 + retry.infrastructure_limit;
  const int anew = second_chances_[task] * (1 + retry.infrastructure_limit);
  Check(++launches_[task] <= budget * (1 + remakes) + anew + deaths_ + (scenario_.cancels ? 1 : 0),
        "more attempts than the budgets allow");
}

// What the run left is what its log says, whole, and from attempts that really succeeded.
void SimulatedRun::CheckStore() {
  for (const auto& [key, live] : node_->live()) Check(live.given_up, "attempts outlive the run");
  for (const std::string& line : state::ReplayLog(home_.DatabasePath())) Check(false, line);
  auto view = state::RunView::Open(home_.path()).value();
  const std::vector<state::TaskView> tasks = view.Tasks(*run_).value();
  CheckEnds(tasks);
  CheckLineage(tasks);
  for (const state::TaskView& task : tasks) {
    Check(core::IsFinal(task.state), "a task of the store is not final");
    const TaskId unit = fusion_.unit[task.id];
    Check(tasks[unit.index()].state == task.state, "a chain does not move as one");
    if (unit != task.id || !core::HasOutputs(task.state)) continue;
    if (task.state == TaskState::kSucceeded) {
      Check(node_->Succeeded({*run_, task.id, task.attempt}),
            "committed from an attempt that did not succeed");
      CheckFiles(task);
    }
    CheckOutputs(task);
  }
}

// A task fails only for what was done to it, and is left out only for one that failed.
void SimulatedRun::CheckEnds(const std::vector<state::TaskView>& tasks) {
  const auto failed = [&](const state::TaskView& task) { return task.state == TaskState::kFailed; };
  const auto exhausted = [&](const state::TaskView& task) {
    return failed(task) && HasCause(fusion_.unit[task.id]);
  };
  const auto has_outputs = [&](TaskId task) { return core::HasOutputs(tasks[task.index()].state); };
  // Without --keep-going the first that fails ends the attempts of all others.
  const bool stopped = !scenario_.options.keep_going && std::ranges::any_of(tasks, exhausted);
  for (const state::TaskView& task : tasks) {
    if (core::HasOutputs(task.state) || exhausted(task)) continue;
    if (failed(task)) {
      Check(stopped && causes_[fusion_.unit[task.id]].all() > 0, task.name + " failed for nothing");
      continue;
    }
    const pipelines::TaskDecl& decl = pipeline_.tasks[task.id];
    const bool by_input = !std::ranges::all_of(
        decl.inputs, [&](const auto& edge) { return has_outputs(edge.producer); });
    const bool by_order = !std::ranges::all_of(decl.needs, has_outputs);
    const bool always = decl.condition.has_value();
    Check(!always && (by_input || by_order || stopped), task.name + " was left out for nothing");
  }
}

// Whether enough was done to a task for it to fail for good.
bool SimulatedRun::HasCause(TaskId unit) {
  const Causes& causes = causes_[unit];
  // Whatever it says of itself, a task that failed when its inputs were gone failed for that;
  // unless an equal file has come back by then: then it failed by itself.
  const pipelines::RetryPolicy& retry = pipeline_.tasks[unit].retry;
  const bool robbed = losses_ > 0 && causes.all() > retry.infrastructure_limit;
  const int of_its_own = causes.task + causes.robbed;
  return robbed || causes.final > 0 || of_its_own > retry.limit ||
         causes.infrastructure > retry.infrastructure_limit;
}

// Every result was made of what its producers left, in the end: whatever was lost, and made again
// with another content. A run that fails makes nothing again.
void SimulatedRun::CheckLineage(const std::vector<state::TaskView>& tasks) {
  const auto failed = [](const state::TaskView& task) { return task.state == TaskState::kFailed; };
  if (!scenario_.options.keep_going && std::ranges::any_of(tasks, failed)) return;
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    const TaskId unit(i);
    if (fusion_.unit[unit] != unit || !core::HasOutputs(tasks[i].state)) continue;
    Json read = Json::object();
    for (const auto& edge : pipeline_.tasks[fusion_.members[unit].front()].inputs) {
      const auto& from = tasks[fusion_.unit[edge.producer].index()].result;
      if (!from) continue;
      for (const Artifact& output : from->outputs) {
        if (output.port == edge.output) read[edge.port].push_back(output.digest.Hex());
      }
    }
    const Json fields = core::ParseKeyFields(tasks[i].result->fields);
    Check(fields.value("inputs", Json::object()) == read,
          fmt::format("{} was made of {} and its producers left {}", tasks[i].name,
                      fields.value("inputs", Json::object()).dump(), read.dump()));
  }
}

// What was committed is filed under what its attempt read.
void SimulatedRun::CheckFiles(const state::TaskView& task) {
  if (!task.result) return;
  std::vector<Digest> filed;
  const Json fields = core::ParseKeyFields(task.result->fields);
  for (const Json& work : fields.value("work", Json::array())) {
    const Json files = work.value("files", Json::object());
    if (!files.contains("rows")) continue;
    filed.push_back(Digest::FromHex(files["rows"].get<std::string>()).value());
  }
  Check(filed == node_->Read({*run_, task.id, task.attempt}),
        task.name + " is filed under a file that it has not read");
}

void SimulatedRun::CheckOutputs(const state::TaskView& task) {
  if (!task.result) return Check(false, "a finished task has no result");
  for (const Artifact& output : task.result->outputs) {
    outcome_[task.name + "." + output.port] = output.digest;
    for (const ArtifactFile& file : output.files) {
      const auto digest = disk_.Hash(home_.BlobPath(file.digest));
      // One that was deleted and that nobody has read since may be missing, and is never wrong.
      const bool missing = !digest.ok() && scenario_.lost_blobs;
      Check(missing || (digest.ok() && *digest == file.digest), "a stored file is not whole");
    }
  }
}

}  // namespace dml::engine

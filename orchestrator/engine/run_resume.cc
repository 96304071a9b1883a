// Taking up a run where another process left it.

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "base/crash_point.h"
#include "orchestrator/engine/launch_spec.h"
#include "orchestrator/engine/recovery.h"
#include "orchestrator/engine/run_loop.h"

namespace dml::engine {

using core::TaskState;

Result<void> RunLoop::Resume(RunId run, const state::RunSnapshot& snapshot) {
  DML_RETURN_IF_ERROR(CheckSame(snapshot));
  CrashPoint("resume.loaded");
  started_ = parts_.clock.Now();
  run_ = run;
  resolver_.SetRun(run_);
  parts_.observer.RunStarted(run_, parts_.pipeline);
  Restore(snapshot);
  launched_keys_ = snapshot.launched;
  DML_TRY(const std::set<TaskId> overtaken, Overtaken(snapshot));
  TakeUpCommits(snapshot, overtaken);
  DML_RETURN_IF_ERROR(FindAttempts(snapshot, overtaken));
  DML_RETURN_IF_ERROR(FindOutputs());
  for (const TaskId task : overtaken) {
    if (core::HasOutputs(states_[task])) Recheck(task);
  }
  std::set<std::string> keep;
  for (std::size_t i = 0; i < active_.size(); ++i) {
    const TaskId task(i);
    if (active_[task]) keep.insert(AttemptPath(Key(task, scheduler_.attempt(task))));
  }
  for (const auto& [files, awaited] : awaiting_look_) {
    for (const auto& [task, attempt] : awaited.attempts) {
      keep.insert(AttemptPath(Key(task, attempt)));
    }
  }
  SweepAttempts(parts_.home, run_, keep);
  events_.emplace_back(core::Resumed{});
  last_launch_ = parts_.clock.Now();
  return {};
}

Result<void> RunLoop::CheckSame(const state::RunSnapshot& snapshot) const {
  const auto& tasks = parts_.pipeline.tasks;
  bool same = snapshot.tasks.size() == tasks.size();
  for (std::size_t i = 0; same && i < tasks.size(); ++i) {
    same = snapshot.tasks[TaskId(i)].name == tasks[TaskId(i)].name;
  }
  if (same) return {};
  return Error::Invalid("the pipeline no longer gives the tasks that the run began with",
                        "`dml run` starts a new run and reuses what is still valid");
}

void RunLoop::Restore(const state::RunSnapshot& snapshot) {
  for (std::size_t i = 0; i < parts_.graph.size(); ++i) {
    const TaskId task(i);
    if (!parts_.fusion.leads(task)) {
      scheduler_.Preset(task, TaskState::kSkipped);  // moves with the last of its chain
      continue;
    }
    const state::StoredTask& stored = snapshot.tasks[task];
    if (parts_.selection.wanted[task]) {
      scheduler_.Restore(task, {stored.state, stored.attempt, stored.counts, stored.last_failure});
    } else {
      scheduler_.Preset(task, TaskState::kSkipped);
    }
    states_[task] = logged_[task] = stored.state;
    if (scheduler_.state(task) != stored.state) {
      Plan(core::Change{
          task, stored.state, TaskState::kSkipped, stored.attempt, kNotNeeded, {}, {}});
    }
    const bool again = stored.state == TaskState::kCancelled ||
                       (stored.state == TaskState::kFailed &&
                        stored.last_failure == core::FailureKind::kInfrastructure);
    if (!core::IsFinal(stored.state) || again) continue;
    const bool done = core::HasOutputs(stored.state);
    const TaskState shown = done ? TaskState::kReused : stored.state;
    for (const TaskId member : parts_.fusion.members[task]) {
      parts_.observer.TaskChanged({member, TaskState::kBlocked, shown, stored.attempt, {}, {}});
    }
  }
}

// Tasks that have begun, if not ended, before a producer was made again: what they read may have
// been another content.
Result<std::set<TaskId>> RunLoop::Overtaken(const state::RunSnapshot& snapshot) {
  std::set<TaskId> overtaken;
  for (const auto& [producer, remade] : snapshot.remade) {
    if (!parts_.fusion.leads(producer)) continue;
    for (const TaskId consumer : parts_.graph.consumers(producer)) {
      const TaskState state = states_[consumer];
      const bool has_read = core::IsInFlight(state) || state == TaskState::kCommitting ||
                            (core::HasOutputs(state) && core::IsFinal(states_[producer]));
      if (!has_read) continue;
      DML_TRY(const std::int64_t start, parts_.store.LastStart(run_, consumer));
      if (start < remade) overtaken.insert(consumer);
    }
  }
  return overtaken;
}

// After a restart of the machine, files that were not synced may be short or empty, and nothing
// tells: they are not used.
void RunLoop::TakeUpCommits(const state::RunSnapshot& snapshot, const std::set<TaskId>& overtaken) {
  for (const state::PendingCommit& pending : snapshot.pending) {
    if (pending.boot != parts_.boot || !parts_.fusion.leads(pending.task)) continue;
    if (overtaken.contains(pending.task)) continue;
    auto active = std::make_unique<Active>();
    active->retaken = true;
    active->ended = true;
    for (const TaskId member : parts_.fusion.members[pending.task]) {
      active->task.members.push_back(&parts_.pipeline.tasks[member]);
    }
    active->task.key = pending.result.key;
    active->task.fields = pending.result.fields;
    active->metrics = pending.result.metrics;
    active->warnings = pending.result.warnings;
    active->usage = {pending.result.wall, pending.result.cpu, pending.result.memory_bytes};
    if (Shares(active->task)) {
      const bool first = flights_.try_emplace(active->task.key).second;
      // If another process makes the same meanwhile, so be it: this one has been made.
      if (first) static_cast<void>(key_locks_.TryTake(active->task.key));
    }
    active_[pending.task] = std::move(active);
  }
}

Result<void> RunLoop::FindAttempts(const state::RunSnapshot& snapshot,
                                   const std::set<TaskId>& overtaken) {
  for (std::size_t i = 0; i < parts_.graph.size(); ++i) {
    const TaskId task(i);
    if (!parts_.fusion.leads(task)) continue;
    const state::StoredTask& stored = snapshot.tasks[task];
    if (stored.state == TaskState::kCommitting && active_[task] == nullptr) {
      events_.emplace_back(core::AttemptVanished{task, stored.attempt});
    } else if (core::IsInFlight(stored.state)) {
      DML_RETURN_IF_ERROR(FindAttempt(task, stored.attempt, overtaken.contains(task)));
    }
  }
  return {};
}

Result<void> RunLoop::FindAttempt(TaskId unit, AttemptNumber attempt, bool overtaken) {
  const runners::AttemptKey key = Key(unit, attempt);
  DML_TRY(const runners::AttemptStatus status, parts_.runner.Find(key));
  if (!std::holds_alternative<runners::AttemptUnknown>(status)) {
    DML_TRY(const bool there, HasItsInputs(unit));
    const bool whole = there && !overtaken;
    auto verdict = resolver_.Resolve(unit, {states_, results_, &reasons_});
    const auto* look = whole && verdict.ok() ? std::get_if<MustLook>(&*verdict) : nullptr;
    if (look != nullptr && parts_.runner.Files() != nullptr) {
      Look(unit, *look);
      awaiting_look_[{look->node, look->pattern}].attempts.emplace_back(unit, attempt);
      return {};
    }
    auto* run = whole && verdict.ok() ? std::get_if<MustRun>(&*verdict) : nullptr;
    // Files that it was launched on may be others by now: it is not filed under those.
    const auto launched = launched_keys_.find(unit);
    const bool same =
        run != nullptr && (launched == launched_keys_.end() || launched->second == run->task.key);
    if (same) {
      active_[unit] = std::make_unique<Active>();
      active_[unit]->task = std::move(run->task);
      active_[unit]->reason = std::move(run->reason);
      if (const auto* exited = std::get_if<runners::AttemptExited>(&status)) {
        Hear(*exited);
      } else {
        DML_RETURN_IF_ERROR(parts_.runner.Launch(
            {MakeLaunchSpec(active_[unit]->task, key, parts_.home, parts_.pipeline.directory)}));
      }
      return {};
    }
    // What it works on is no longer what would be asked of it.
    parts_.runner.Kill(key, runners::KillMode::kKill);
  }
  events_.emplace_back(core::AttemptVanished{unit, attempt});
  return {};
}

// An attempt that nobody has taken up yet, for its files are being looked at, says nothing to us.
void RunLoop::Plan(const core::Kill& command) {
  planned_.kills.push_back(command);
  for (auto& [files, awaited] : awaiting_look_) {
    const std::pair asked(command.task, command.attempt);
    if (std::erase(awaited.attempts, asked) == 0) continue;
    planned_.kills.back().at_once = true;
    events_.emplace_back(core::AttemptStopped{command.task, command.attempt});
  }
}

// Whether what an attempt was launched on is still there, so that its result can be told from what
// it reads: not if a producer was to be made again when the process died.
Result<bool> RunLoop::HasItsInputs(TaskId unit) {
  const auto& condition = parts_.pipeline.tasks[parts_.fusion.members[unit].front()].condition;
  const bool heeds_failures = !condition || !condition->reads_status;
  for (const TaskId producer : parts_.graph.producers(unit)) {
    if (core::HasOutputs(states_[producer])) {
      DML_TRY(const bool there, LoadOutputs(producer));
      if (!there) return false;
    } else if (heeds_failures || !core::IsFinal(states_[producer])) {
      return false;
    }
  }
  return true;
}

// Also of a task that is being stored: if that fails, it runs again.
Result<void> RunLoop::FindOutputs() {
  std::vector<TaskId> readers;
  const IdMap<TaskId, bool> taken_up = scheduler_.TakenUp();
  for (std::size_t i = 0; i < parts_.graph.size(); ++i) {
    const TaskId task(i);
    if (!core::IsFinal(scheduler_.state(task)) || taken_up[task]) readers.push_back(task);
  }
  DML_TRY(const std::vector<TaskId> lost, LostOutputs(std::move(readers)));
  for (const TaskId unit : lost) events_.emplace_back(core::OutputsLost{unit});
  return {};
}

// Units whose outputs are to be read and are gone, from the readers backwards: what is made again
// reads its producers' outputs. Producers come before consumers.
Result<std::vector<TaskId>> RunLoop::LostOutputs(std::vector<TaskId> readers) {
  std::set<TaskId> seen;
  std::set<TaskId> gone;
  while (!readers.empty()) {
    const TaskId reader = readers.back();
    readers.pop_back();
    for (const TaskId producer : parts_.graph.producers(reader)) {
      if (!core::HasOutputs(scheduler_.state(producer)) || !seen.insert(producer).second) continue;
      DML_TRY(const bool there, LoadOutputs(producer));
      if (there) continue;
      gone.insert(producer);
      readers.push_back(producer);
    }
  }
  std::vector<TaskId> lost;
  if (gone.empty()) return lost;
  for (const TaskId unit : parts_.graph.order()) {
    if (gone.contains(unit)) lost.push_back(unit);
  }
  return lost;
}

// Whether the result of a task that is done is known, to this dml.
Result<bool> RunLoop::LoadResult(TaskId unit) {
  if (results_[unit]) return true;
  if (!core::HasOutputs(scheduler_.state(unit))) return false;
  DML_TRY(const std::optional<Digest> key, parts_.store.FindKey(run_, unit));
  if (!key) return false;
  DML_TRY(std::optional<state::TaskResult> result, parts_.store.FindResult(*key));
  if (!result || !core::IsOfThisFormat(result->fields)) return false;
  artifacts_.Locate(result->outputs);
  result->fields.clear();
  results_[unit] = std::move(result);
  return true;
}

// The same, and its outputs are in the store.
Result<bool> RunLoop::LoadOutputs(TaskId unit) {
  DML_TRY(const bool known, LoadResult(unit));
  return known && artifacts_.Holds(results_[unit]->outputs);
}

// Whether a unit that has begun, or ended, was given what its producers have left by now.
Result<bool> RunLoop::StillHolds(TaskId unit) {
  for (const TaskId producer : parts_.graph.producers(unit)) {
    DML_RETURN_IF_ERROR(LoadResult(producer));
  }
  std::optional<Digest> key;
  if (active_[unit]) {
    key = active_[unit]->task.key;
  } else if (results_[unit]) {
    key = results_[unit]->key;
  } else {
    DML_TRY(key, parts_.store.FindKey(run_, unit));
  }
  if (!key) return false;
  return resolver_.StillHolds(unit, {states_, results_, &reasons_}, *key);
}

// What was decided on other contents is decided anew: at once if it is done; an attempt ends first.
void RunLoop::Recheck(TaskId unit) {
  const auto holds = StillHolds(unit);
  if (holds.ok() && *holds) return;
  const AttemptNumber attempt = scheduler_.attempt(unit);
  if (core::HasOutputs(states_[unit])) {
    const auto lost = LostOutputs({unit});
    if (!lost.ok()) return;
    for (const TaskId producer : *lost) events_.emplace_back(core::OutputsLost{producer});
    events_.emplace_back(core::Outdated{unit, attempt});
  } else if (active_[unit]) {
    active_[unit]->outdated = true;
    if (core::IsInFlight(states_[unit])) planned_.kills.push_back({unit, attempt, true});
  }
}

// Whether an attempt that has ended was outdated before: whatever it came to.
bool RunLoop::EndsForNothing(const runners::AttemptKey& key) {
  if (!active_[key.task]->outdated) return false;
  planned_.discards.push_back(AttemptPath(key));
  events_.emplace_back(core::Outdated{key.task, key.attempt});
  return true;
}

// Whether a unit whose attempt has failed was to read outputs that are gone: they are made again
// before its next attempt.
bool RunLoop::MakeInputsAgain(TaskId unit) {
  const auto there = [this](TaskId producer) {
    const TaskState state = scheduler_.state(producer);
    if (!core::IsFinal(state)) return false;  // it is being made again already
    if (!core::HasOutputs(state)) return true;
    const auto loaded = LoadOutputs(producer);
    return !loaded.ok() || *loaded;
  };
  if (std::ranges::all_of(parts_.graph.producers(unit), there)) return false;
  const auto lost = LostOutputs({unit});
  if (!lost.ok()) return false;
  for (const TaskId producer : *lost) events_.emplace_back(core::OutputsLost{producer});
  return true;
}

}  // namespace dml::engine

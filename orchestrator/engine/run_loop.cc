#include "orchestrator/engine/run_loop.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/crash_point.h"
#include "orchestrator/engine/launch_spec.h"
#include "orchestrator/engine/task_policy.h"

namespace dml::engine {

namespace {

// Decisions per turn: enough to fill a transaction, few enough for the first task of a large run
// to start at once.
constexpr int kResolvesPerTurnMax = 128;

// How often to look whether a result that another process makes is there.
constexpr Duration kLookInterval = Duration::Millis(100);

// How long after the last launch the log has time for who waits.
constexpr Duration kQuiet = Duration::Millis(500);

bool IsWaiting(core::TaskState state) {
  return state == core::TaskState::kBlocked || state == core::TaskState::kReady;
}

// Whether a task in this state has an attempt that a runner knows of.
bool HoldsAttempt(core::TaskState state) {
  return state == core::TaskState::kLaunching || state == core::TaskState::kRunning ||
         state == core::TaskState::kCommitting;
}

core::SchedulerOptions SchedulerOptionsOf(const RunParts& parts) {
  const runners::Capacity capacity = parts.runner.Total();
  core::SchedulerOptions options;
  options.cpus = parts.options.jobs > 0 ? parts.options.jobs : capacity.cpus;
  options.memory_bytes = capacity.memory_bytes;
  options.keep_going = parts.options.keep_going;
  return options;
}

}  // namespace

RunLoop::RunLoop(const RunParts& parts)
    : parts_(parts),
      artifacts_(parts.home, parts.disk),
      files_(parts.store, parts.clock),
      resolver_({parts.pipeline, parts.graph, parts.fusion, parts.selection, parts.store,
                 artifacts_, files_, node_files_, parts.options.no_cache}),
      scheduler_(parts.graph, PoliciesOf(parts.pipeline, parts.store), SchedulerOptionsOf(parts)),
      prefetch_(parts.options.prefetch_max),
      states_(parts.graph.size(), core::TaskState::kBlocked),
      logged_(parts.graph.size(), core::TaskState::kBlocked),
      results_(parts.graph.size()),
      reasons_(parts.graph.size()),
      active_(),
      key_locks_(parts.home.FlightFolder()),
      may_be_shared_(parts.home.shared() || parts.options.concurrent) {
  for (std::size_t i = 0; i < parts.graph.size(); ++i) active_.push_back(nullptr);
}

Result<void> RunLoop::Begin() {
  started_ = parts_.clock.Now();
  state::RunHeader header;
  header.name = parts_.pipeline.name;
  header.file = parts_.pipeline.file;
  header.params = parts_.pipeline.params;
  header.pipeline = parts_.options.pipeline_text;
  header.options = parts_.options.request;
  header.started = parts_.clock.Wall();
  header.once = parts_.options.once;
  std::vector<state::TaskHeader> tasks;
  tasks.reserve(parts_.pipeline.tasks.size());
  for (const auto& decl : parts_.pipeline.tasks) tasks.push_back({decl.name, decl.step});
  CrashPoint("run.beginning");
  DML_TRY(run_, parts_.store.BeginRun(header, tasks));
  CrashPoint("run.begun");
  resolver_.SetRun(run_);
  parts_.observer.RunStarted(run_, parts_.pipeline);
  for (std::size_t i = 0; i < parts_.graph.size(); ++i) {
    const TaskId task(i);
    if (!parts_.fusion.leads(task)) {
      scheduler_.Preset(task, core::TaskState::kSkipped);  // moves with the last of its chain
    } else if (!parts_.selection.wanted[task]) {
      scheduler_.Preset(task, core::TaskState::kSkipped);
      Plan(core::Change{
          task, core::TaskState::kBlocked, core::TaskState::kSkipped, {}, kNotNeeded, {}, {}});
    }
  }
  events_.emplace_back(core::Started{});
  last_launch_ = parts_.clock.Now();
  return {};
}

std::optional<Instant> RunLoop::NextWakeup() const {
  if (!unresolved_.empty() || !events_.empty()) return parts_.clock.Now();
  std::optional<Instant> wakeup = scheduler_.NextWakeup();
  const auto at = [&wakeup](Instant when) { wakeup = wakeup ? std::min(*wakeup, when) : when; };
  if (!elsewhere_.empty()) at(look_again_);
  // Nothing is written before that: who wakes earlier for it would wake in vain, again and again.
  const Instant held = last_write_ + Patience();
  if (!unlogged_.empty() && !writing_) at(std::max(last_launch_ + kQuiet, held));
  if (!planned_.changes.empty() && !writing_) at(held);
  return wakeup;
}

Duration RunLoop::Patience() const {
  const double cpus = SchedulerOptionsOf(parts_).cpus;
  // Some of those that are not handed over yet may be in flight no longer.
  const std::size_t not_handed_over = planned_.launches.size() + written_.launches.size();
  const double at_workers =
      static_cast<double>(scheduler_.in_flight()) - static_cast<double>(not_handed_over);
  return prefetch_.Patience(at_workers - cpus, cpus);
}

Result<void> RunLoop::Turn(const std::vector<Message>& messages) {
  for (const Message& message : messages) Take(message);
  // What follows a batch that was lost must not become durable either.
  if (!log_state_.ok()) return log_state_;
  LookAgain();
  int left = kResolvesPerTurnMax;
  do {
    commands_.clear();
    const std::vector<core::Event> events = std::exchange(events_, {});
    scheduler_.Apply(events, parts_.clock.Now(), commands_);
    for (const core::Command& command : commands_) {
      std::visit([this](const auto& one) { Plan(one); }, command);
    }
    left -= static_cast<int>(unresolved_.size());
    ResolveSome();
  } while (!events_.empty() && left > 0);
  Persist();
  return {};
}

void RunLoop::Plan(const core::Change& change) {
  states_[change.task] = change.to;
  const bool again =
      change.from == core::TaskState::kBackoff && change.to == core::TaskState::kReady;
  if (again || change.to == core::TaskState::kBlocked) Forget(change.task, change.from);
  std::string reason = change.reason;
  if (change.blamed.valid()) reason = parts_.pipeline.tasks[change.blamed].name + " " + reason;
  if (change.to == core::TaskState::kLaunching) reason = active_[change.task]->reason;
  planned_.changes.push_back(change);
  planned_.changes.back().reason = reason;
  const bool stores_nothing = change.to == core::TaskState::kCommitting &&
                              active_[change.task]->task.decl().outputs.empty();
  if (IsWaiting(change.from) && IsWaiting(change.to)) {
    unlogged_.push_back(change.task);
  } else if (!stores_nothing) {  // else it succeeds within the same transaction
    Log(change.task, change.to, change.attempt, reason, change.failure);
  }
}

void RunLoop::Log(TaskId unit, core::TaskState to, AttemptNumber attempt, const std::string& reason,
                  core::FailureKind failure) {
  const core::TaskState from = std::exchange(logged_[unit], to);
  for (const TaskId member : parts_.fusion.members[unit]) {
    batch_.changes.push_back({member, from, to, attempt, reason, failure});
  }
}

// Why a unit that could run is not decided about yet; empty: it is, or will be at once.
std::string RunLoop::WhyUndecided(TaskId unit) const {
  if (std::ranges::find(elsewhere_, unit) != elsewhere_.end()) {
    return "waits for an equal task of another run";
  }
  for (const auto& [files, awaited] : awaiting_look_) {
    if (std::ranges::find(awaited.units, unit) == awaited.units.end()) continue;
    return fmt::format("waits for a look at the files '{}' of node {}", files.second, files.first);
  }
  return "";
}

// Nothing depends on the log telling who is ready: it is written when there is nothing to launch.
// Most tasks have been launched by then, and it is never written for them.
void RunLoop::LogReady() {
  if (unlogged_.empty() || parts_.clock.Now() < last_launch_ + kQuiet) return;
  for (const TaskId unit : std::exchange(unlogged_, {})) {
    if (logged_[unit] == states_[unit] || !IsWaiting(states_[unit])) continue;
    Log(unit, states_[unit], scheduler_.attempt(unit), WhyUndecided(unit),
        core::FailureKind::kNone);
  }
}

void RunLoop::Plan(const core::Launch& command) {
  const Active& active = *active_[command.task];
  if (!active.task.files.empty()) {
    batch_.pending.push_back({command.task, command.attempt, parts_.boot, ResultOf(active, {})});
  }
  active_[command.task]->ended = false;
  last_launch_ = active_[command.task]->launched = parts_.clock.Now();
  planned_.launches.push_back(MakeLaunchSpec(active_[command.task]->task,
                                             Key(command.task, command.attempt), parts_.home,
                                             parts_.pipeline.directory));
  planned_.launches.back().memory_bytes = command.memory_bytes;
}

void RunLoop::Plan(const core::Commit& command) {
  const PreparedTask& task = active_[command.task]->task;
  const auto& outputs = task.decl().outputs;
  // Nothing to store, so nothing to wait for: success is part of the same transaction.
  if (outputs.empty()) {
    if (std::holds_alternative<pipelines::CommandWork>(task.work(0))) LeaveBehind(command.task);
    return Complete(command.task, command.attempt, {});
  }
  const Active& active = *active_[command.task];
  batch_.pending.push_back({command.task, command.attempt, parts_.boot, ResultOf(active, {})});
  planned_.commits.push_back(
      {command.task, command.attempt, AttemptPath(Key(command.task, command.attempt)), outputs});
}

// The results of this turn's decisions are events of the same turn.
void RunLoop::ResolveSome() {
  for (int i = 0; i < kResolvesPerTurnMax && !unresolved_.empty(); ++i) {
    const TaskId unit = unresolved_.front();
    unresolved_.pop_front();
    // It may have been cancelled or skipped while it waited.
    if (scheduler_.state(unit) == core::TaskState::kReady) Resolve(unit);
  }
}

void RunLoop::Resolve(TaskId unit) {
  auto verdict = resolver_.Resolve(unit, {states_, results_, &reasons_});
  if (!verdict.ok()) {
    events_.emplace_back(core::ResolvedFailure{unit, std::move(verdict).error()});
  } else if (auto* run = std::get_if<MustRun>(&*verdict)) {
    Run(unit, std::move(*run));
  } else if (auto* reuse = std::get_if<MayReuse>(&*verdict)) {
    Reuse(unit, std::move(*reuse));
  } else if (auto* hash = std::get_if<MustHash>(&*verdict)) {
    auto& waiting = awaiting_hash_[hash->path];
    waiting.push_back(unit);
    if (waiting.size() == 1) parts_.background.HashFile(hash->path);
  } else if (auto* look = std::get_if<MustLook>(&*verdict)) {
    if (Look(unit, *look)) awaiting_look_[{look->node, look->pattern}].units.push_back(unit);
  } else {
    events_.emplace_back(core::ResolvedSkip{unit, std::get<MustSkip>(*verdict).reason});
  }
}

// Asks for a look that nobody has asked for yet. False: nobody can be asked, and the unit has
// failed.
bool RunLoop::Look(TaskId unit, const MustLook& wanted) {
  runners::RemoteFiles* const nodes = parts_.runner.Files();
  if (nodes == nullptr) {
    events_.emplace_back(core::ResolvedFailure{
        unit, Error::Invalid(fmt::format("the files '{}' are on node {}, and the run has no nodes",
                                         wanted.pattern, wanted.node),
                             "run it with --cluster FILE")});
    return false;
  }
  const auto [awaited, first] = awaiting_look_.try_emplace({wanted.node, wanted.pattern});
  if (first) nodes->Look({run_, unit, wanted.node, wanted.pattern});
  return true;
}

// One flight per key: an equal task waits for the first and then finds its result.
void RunLoop::Run(TaskId unit, MustRun verdict) {
  if (Shares(verdict.task) && !TakeFlight(unit, verdict.task)) return;
  active_[unit] = std::make_unique<Active>();
  active_[unit]->task = std::move(verdict.task);
  reasons_[unit] = verdict.reason;
  active_[unit]->reason = std::move(verdict.reason);
  events_.emplace_back(core::ResolvedRun{unit});
}

bool RunLoop::Shares(const PreparedTask& task) const {
  return task.decl().cache && !parts_.options.no_cache;
}

bool RunLoop::TakeFlight(TaskId unit, const PreparedTask& task) {
  const Digest& key = task.key;
  const auto [flight, first] = flights_.try_emplace(key);
  if (!first) {
    flight->second.push_back(unit);
    return false;
  }
  if (key_locks_.TryTake(key)) {
    // It may have been made between the look into the store and the lock.
    if (!may_be_shared_ || task.alone || !resolver_.IsKnown(key)) return true;
    key_locks_.Release(key);
    unresolved_.push_back(unit);
  } else {
    if (elsewhere_.empty()) look_again_ = parts_.clock.Now() + kLookInterval;
    elsewhere_.push_back(unit);
  }
  flights_.erase(key);
  return false;
}

// Whoever is at work on an equal task leaves its result in the store, or nothing, and the key.
void RunLoop::LookAgain() {
  if (elsewhere_.empty() || parts_.clock.Now() < look_again_) return;
  unresolved_.insert(unresolved_.end(), elsewhere_.begin(), elsewhere_.end());
  elsewhere_.clear();
}

// After the result is durable, so that whoever waits for it finds it.
void RunLoop::LeaveFlight(TaskId unit) {
  if (!Shares(active_[unit]->task)) return;
  const auto flight = flights_.find(active_[unit]->task.key);
  if (flight != flights_.end()) {
    unresolved_.insert(unresolved_.end(), flight->second.begin(), flight->second.end());
    flights_.erase(flight);
    key_locks_.Release(active_[unit]->task.key);
  }
}

// What was decided about a unit no longer holds: it is asked about again when its producers are
// done.
void RunLoop::Forget(TaskId unit, core::TaskState was) {
  results_[unit].reset();
  if (was == core::TaskState::kReady) {
    std::erase(unresolved_, unit);
    std::erase(elsewhere_, unit);
    for (auto& [path, waiting] : awaiting_hash_) std::erase(waiting, unit);
    for (auto& [files, awaited] : awaiting_look_) std::erase(awaited.units, unit);
    for (auto& [key, waiting] : flights_) std::erase(waiting, unit);
  }
  if (active_[unit] == nullptr) return;
  LeaveFlight(unit);
  active_[unit].reset();
}

void RunLoop::Reuse(TaskId unit, MayReuse verdict) {
  state::TaskResult result = std::move(verdict.result);
  if (result.foreign) {
    batch_.results.emplace_back(unit, result);
  } else {
    batch_.reused.emplace_back(unit, result.key);
  }
  result.fields.clear();
  results_[unit] = std::move(result);
  events_.emplace_back(core::ResolvedReuse{unit, std::move(verdict.reason)});
}

// What a task that is done no longer needs goes when that is durable: until then a crash leaves the
// commit to be done again.
void RunLoop::LeaveBehind(TaskId unit) {
  const Active& active = *active_[unit];
  planned_.discards.push_back(AttemptPath(Key(unit, scheduler_.attempt(unit))));
  for (const bool alone : {false, true}) {
    if (alone != active.task.alone && !active.retaken) continue;
    planned_.discards.push_back(parts_.home.CheckpointPath(active.task.key, run_, unit, alone));
  }
}

state::TaskResult RunLoop::ResultOf(const Active& active, std::vector<Artifact> outputs) {
  return {active.task.key, active.task.fields, std::move(outputs), active.metrics,
          active.warnings, active.usage.wall,  active.usage.cpu,   active.usage.memory_bytes_max};
}

void RunLoop::Complete(TaskId unit, AttemptNumber attempt, std::vector<Artifact> outputs) {
  Active& active = *active_[unit];
  // The fields of the key are the store's from here on; the rest is also for those who come after.
  std::string fields = std::exchange(active.task.fields, {});
  state::TaskResult result = ResultOf(active, std::move(outputs));
  results_[unit] = result;
  result.fields = std::move(fields);
  batch_.results.emplace_back(unit, std::move(result));
  events_.emplace_back(core::Committed{unit, attempt});
}

void RunLoop::Persist() {
  if (writing_) return;
  // A transaction costs as much as many short tasks: while the workers have enough of them, it
  // waits for more to make durable.
  if (!batch_.changes.empty() && parts_.clock.Now() < last_write_ + Patience()) return;
  LogReady();
  batch_.files = files_.TakeNew();
  if (batch_.empty()) return CarryOut(std::exchange(planned_, {}));
  CrashPoint("turn.decided");
  writing_ = true;
  last_write_ = parts_.clock.Now();
  written_ = std::exchange(planned_, {});
  parts_.log.Write(run_, parts_.clock.Wall(), std::exchange(batch_, {}));
}

void RunLoop::Hear(const LogWritten& written) {
  writing_ = false;
  log_state_ = written.result;
  Effects effects = std::exchange(written_, {});
  if (log_state_.ok()) CarryOut(std::move(effects));
}

void RunLoop::CarryOut(Effects effects) {
  for (core::Change& change : effects.changes) Announce(std::move(change));
  if (!effects.launches.empty()) LaunchAll(std::move(effects.launches));
  for (const core::Kill& kill : effects.kills) {
    parts_.runner.Kill(Key(kill.task, kill.attempt),
                       kill.at_once ? runners::KillMode::kKill : runners::KillMode::kTerminate);
  }
  for (CommitJob& job : effects.commits) parts_.background.Commit(std::move(job));
  if (!effects.discards.empty()) parts_.background.Discard(std::move(effects.discards));
}

void RunLoop::Announce(core::Change change) {
  TaskUpdate update{change.task, change.from, change.to, change.attempt, std::move(change.reason),
                    {}};
  const Active* active = active_[change.task].get();
  if (active != nullptr && active->launched.ns > 0) {
    update.elapsed = parts_.clock.Now() - active->launched;
  }
  for (const TaskId member : parts_.fusion.members[change.task]) {
    update.task = member;
    parts_.observer.TaskChanged(update);
  }
  if (HoldsAttempt(change.from) && !HoldsAttempt(change.to)) {
    parts_.runner.Release(Key(change.task, change.attempt));
  }
  if (!core::IsFinal(change.to)) return;
  if (const auto& result = results_[change.task]; result && core::HasOutputs(change.to)) {
    for (const std::string& warning : result->warnings) {
      parts_.observer.TaskWarned(change.task, warning);
    }
  }
  // Unless it has begun anew since.
  if (active == nullptr || !core::IsFinal(states_[change.task])) return;
  LeaveFlight(change.task);
  active_[change.task].reset();
}

void RunLoop::LaunchAll(std::vector<runners::LaunchSpec> batch) {
  std::vector<runners::AttemptKey> keys;
  keys.reserve(batch.size());
  for (const runners::LaunchSpec& spec : batch) keys.push_back(spec.key);
  auto launched = parts_.runner.Launch(std::move(batch));
  CrashPoint("launch.handed-over");
  if (launched.ok()) return;
  for (const runners::AttemptKey& key : keys) {
    Fail(key, core::FailureKind::kInfrastructure, 1, launched.error());
  }
}

Result<RunResult> RunLoop::Finish() {
  RunResult result;
  result.run = run_;
  for (std::size_t i = 0; i < parts_.graph.size(); ++i) {
    ++result.counts[static_cast<std::size_t>(states_[parts_.fusion.unit[TaskId(i)]])];
  }
  result.environment = scheduler_.environment() > 0;
  if (scheduler_.cancelled()) {
    result.outcome = state::RunOutcome::kCancelled;
  } else if (result.count(core::TaskState::kFailed) > 0) {
    result.outcome =
        scheduler_.resumable() ? state::RunOutcome::kInterrupted : state::RunOutcome::kFailed;
  }
  CrashPoint("run.done");
  DML_RETURN_IF_ERROR(
      parts_.store.EndRun(run_, parts_.clock.Wall(), result.outcome, parts_.options.hooks));
  CrashPoint("run.ended");
  result.elapsed = parts_.clock.Now() - started_;
  result.commit = commit_cost_;
  result.invalid_input = scheduler_.invalid() > 0 &&
                         scheduler_.invalid() == scheduler_.count(core::TaskState::kFailed);
  parts_.observer.RunFinished(result);
  return result;
}

}  // namespace dml::engine

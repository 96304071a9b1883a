// What the run loop makes of its messages: facts of runners become events of the scheduler.

#include <fmt/format.h>
#include <string.h>

#include <cmath>
#include <utility>

#include "base/quantity.h"
#include "orchestrator/engine/run_loop.h"
#include "orchestrator/engine/task_policy.h"
#include "pipelines/expand/written_name.h"

namespace dml::engine {

namespace {

// Exit statuses by convention of shells and coreutils.
constexpr int kTimedOut = 124;
constexpr int kSignalBase = 128;

// Of a run's failures, for so many the text is read again to find the very parameter.
constexpr int kPlacesSoughtMax = 50;

core::FailureKind KindOf(const Error& error) {
  switch (error.kind) {
    case ErrorKind::kInvalid:
      return core::FailureKind::kInvalid;
    case ErrorKind::kEnvironment:
    case ErrorKind::kBusy:
      return core::FailureKind::kInfrastructure;
    case ErrorKind::kTask:
    case ErrorKind::kCancelled:
      break;
  }
  return core::FailureKind::kTask;
}

Error TimeoutError(const pipelines::TaskDecl& decl) {
  return Error::Task("it ran for longer than its timeout of " + FormatDuration(decl.timeout));
}

Error SignalError(const runners::ExitSignal& exit) {
  if (exit.out_of_memory) {
    return Error::Task("it ran out of memory", "ask for more with resources: {memory: ...}");
  }
  const char* const name = ::sigabbrev_np(exit.signal);
  return Error::Task(name == nullptr
                         ? fmt::format("it was killed by signal {}", exit.signal)
                         : fmt::format("it was killed by signal {} (SIG{})", exit.signal, name));
}

// Of an attempt that is void for that, whatever it came to.
Error ChangedUnderWay(const std::string& file, const std::optional<Error>& end = std::nullopt) {
  std::string message = fmt::format("the file '{}' changed while the task was under way", file);
  if (end) {
    message += fmt::format(", which ended with: {}{}", end->where.empty() ? "" : end->where + ": ",
                           end->message);
  }
  return Error::Environment(std::move(message),
                            "a file that goes on changing has to be copied first");
}

}  // namespace

void RunLoop::Take(const Message& message) {
  if (const auto* event = std::get_if<runners::RunnerEvent>(&message)) {
    std::visit([this](const auto& one) { Hear(one); }, *event);
  } else if (const auto* report = std::get_if<CommitReport>(&message)) {
    Hear(*report);
  } else if (const auto* hashed = std::get_if<FileHashed>(&message)) {
    Hear(*hashed);
  } else if (const auto* looked = std::get_if<runners::FilesLooked>(&message)) {
    Hear(*looked);
  } else if (const auto* written = std::get_if<LogWritten>(&message)) {
    Hear(*written);
  } else {
    events_.emplace_back(std::get<core::CancelRequested>(message));
  }
}

// Whether a message is about the attempt that runs now. The scheduler has the same fence; this one
// keeps late messages away from what the loop holds.
bool RunLoop::IsCurrent(const runners::AttemptKey& key) const {
  return key.run == run_ && key.task.index() < active_.size() && active_[key.task] != nullptr &&
         !core::IsFinal(states_[key.task]) && scheduler_.attempt(key.task) == key.attempt;
}

std::string RunLoop::AttemptPath(const runners::AttemptKey& key) const {
  return parts_.home.AttemptPath(run_, parts_.pipeline.tasks[key.task].name, key.attempt);
}

void RunLoop::Hear(const runners::AttemptStarted& event) {
  if (IsCurrent(event.key)) {
    events_.emplace_back(core::AttemptRunning{event.key.task, event.key.attempt});
  }
}

void RunLoop::Hear(const runners::AttemptProgress& event) {
  if (IsCurrent(event.key)) {
    parts_.observer.TaskProgress(event.key.task, event.fraction, event.note);
  }
}

// Whether a message is the first to say how the current attempt ended.
bool RunLoop::IsItsEnd(const runners::AttemptKey& key) {
  return IsCurrent(key) && !std::exchange(active_[key.task]->ended, true);
}

void RunLoop::Hear(const runners::AttemptLost& event) {
  if (!IsItsEnd(event.key)) return;
  Fail(event.key, core::FailureKind::kInfrastructure, 1, event.error);
}

// What a step refuses it was told in the pipeline, unless it names a place in the data.
Error RunLoop::Located(Error error, const pipelines::TaskDecl& decl) {
  const bool native = std::holds_alternative<pipelines::NativeWork>(decl.work);
  const bool placed = !error.where.empty() || decl.where.file.empty();
  if (!native || placed || error.kind != ErrorKind::kInvalid) return error;
  pipelines::Location where = decl.where;
  if (places_sought_ < kPlacesSoughtMax) {
    ++places_sought_;
    where = pipelines::FindWrittenName(parts_.options.pipeline_text, decl.step, decl.where,
                                       error.message)
                .value_or(decl.where);
  }
  return std::move(error).At(fmt::format("{}:{}:{}", where.file, where.line, where.column));
}

void RunLoop::Hear(const runners::AttemptExited& event) {
  if (!IsItsEnd(event.key)) return;
  const pipelines::TaskDecl& decl = active_[event.key.task]->task.decl();
  if (std::holds_alternative<runners::ExitSuccess>(event.reason)) return HearSuccess(event);
  if (const auto* failure = std::get_if<runners::ExitFailure>(&event.reason)) {
    const auto kind =
        failure->out_of_memory ? core::FailureKind::kOutOfMemory : KindOf(failure->error);
    Fail(event.key, kind, failure->exit_code, Located(failure->error, decl));
  } else if (const auto* signal = std::get_if<runners::ExitSignal>(&event.reason)) {
    const auto kind =
        signal->out_of_memory ? core::FailureKind::kOutOfMemory : core::FailureKind::kTask;
    Fail(event.key, kind, kSignalBase + signal->signal, SignalError(*signal));
  } else if (std::holds_alternative<runners::ExitTimeout>(event.reason)) {
    Fail(event.key, core::FailureKind::kTask, kTimedOut, TimeoutError(decl));
  } else if (scheduler_.cancelled()) {
    planned_.discards.push_back(AttemptPath(event.key));
    events_.emplace_back(core::AttemptStopped{event.key.task, event.key.attempt});
  } else {
    Fail(event.key, core::FailureKind::kInfrastructure, 1,
         Error::Environment("it was stopped by somebody else"));
  }
}

// A file that was changed after its content had been looked at: the key says what the task may not
// have read.
std::optional<std::string> RunLoop::ChangedFile(const PreparedTask& task) {
  std::optional<std::string> changed;
  std::size_t at = 0;
  for (const runners::FileSet& set : task.files) {
    if (set.in_place) continue;  // whoever reads those there looks whether they change
    for (const ArtifactFile& file : set.files) {
      if (files_.HasChanged(file.path, task.stamps[at++])) changed = file.path;
    }
  }
  return changed;
}

void RunLoop::HearSuccess(const runners::AttemptExited& event) {
  if (EndsForNothing(event.key)) return;
  Active& active = *active_[event.key.task];
  if (const auto changed = ChangedFile(active.task)) {
    return Fail(event.key, core::FailureKind::kInfrastructure, 1, ChangedUnderWay(*changed));
  }
  active.metrics = event.metrics;
  active.warnings = event.warnings;
  active.usage = event.usage;
  events_.emplace_back(core::AttemptSucceeded{event.key.task, event.key.attempt});
  if (!IsQueueable(active.task.decl())) return;
  prefetch_.Observe(event.usage.wall);
  const runners::Capacity capacity = parts_.runner.Total();
  const double cpus = parts_.options.jobs > 0 ? parts_.options.jobs : capacity.cpus;
  const int depth = prefetch_.Depth(cpus);
  // Small drifts are not worth an event.
  if (std::abs(depth - prefetch_depth_) * 4 <= prefetch_depth_) return;
  prefetch_depth_ = depth;
  events_.emplace_back(core::CapacityChanged{cpus, depth});
}

void RunLoop::Fail(const runners::AttemptKey& key, core::FailureKind kind, int exit_code,
                   Error error) {
  if (!IsCurrent(key) || EndsForNothing(key)) return;
  planned_.discards.push_back(AttemptPath(key));
  // Half of one content and half of another is no content that could be wrong.
  const auto changed = ChangedFile(active_[key.task]->task);
  if (changed && kind != core::FailureKind::kInfrastructure) {
    kind = core::FailureKind::kInfrastructure;
    exit_code = 1;
    error = ChangedUnderWay(*changed, error);
  }
  if (kind == core::FailureKind::kInfrastructure) LookAnew(active_[key.task]->task);
  if (active_[key.task]->retaken) {
    // Known by its result alone: another attempt needs a new decision, with inputs.
    events_.emplace_back(core::AttemptVanished{key.task, key.attempt});
    return;
  }
  // A step without its inputs fails in a way of its own; it did not run out of time for that.
  const bool of_its_own = kind != core::FailureKind::kOutOfMemory && exit_code < kTimedOut;
  if (MakeInputsAgain(key.task) && of_its_own) kind = core::FailureKind::kInfrastructure;
  events_.emplace_back(
      core::AttemptFailed{key.task, key.attempt, kind, exit_code, std::move(error)});
}

void RunLoop::Hear(const CommitReport& report) {
  const runners::AttemptKey key = Key(report.task, report.attempt);
  commit_cost_.bytes += report.cost.bytes;
  commit_cost_.files += report.cost.files;
  commit_cost_.hashing = commit_cost_.hashing + report.cost.hashing;
  commit_cost_.syncing = commit_cost_.syncing + report.cost.syncing;
  if (!report.outputs.ok()) {
    return Fail(key, KindOf(report.outputs.error()), 1, report.outputs.error());
  }
  const bool committing = IsCurrent(key) && states_[report.task] == core::TaskState::kCommitting;
  if (!committing || EndsForNothing(key)) return;
  LeaveBehind(report.task);
  Complete(report.task, report.attempt, *report.outputs);
}

void RunLoop::Hear(const FileHashed& hashed) {
  const auto waiting = awaiting_hash_.extract(hashed.path);
  if (waiting.empty()) return;
  if (hashed.digest.ok()) files_.Learn(hashed.path, *hashed.digest);
  for (const TaskId unit : waiting.mapped()) {
    if (hashed.digest.ok()) {
      unresolved_.push_back(unit);
    } else {
      events_.emplace_back(core::ResolvedFailure{unit, hashed.digest.error()});
    }
  }
}

// A node that is away for good is the fault of no task: what was asked of it may be asked again.
void RunLoop::Hear(const runners::FilesLooked& looked) {
  const auto awaited = awaiting_look_.extract({looked.node, looked.pattern});
  if (awaited.empty()) return;
  const bool told = looked.files.ok() || looked.files.error().kind == ErrorKind::kInvalid;
  if (told) node_files_.Learn(looked);
  for (const TaskId unit : awaited.mapped().units) {
    if (told) {
      unresolved_.push_back(unit);
    } else {
      events_.emplace_back(core::ResolvedFailure{unit, looked.files.error()});
    }
  }
  for (const auto& [unit, attempt] : awaited.mapped().attempts) {
    if (told && FindAttempt(unit, attempt, /*overtaken=*/false).ok()) continue;
    parts_.runner.Kill(Key(unit, attempt), runners::KillMode::kKill);
    events_.emplace_back(core::AttemptVanished{unit, attempt});
  }
}

// What the next attempt reads may be something else: that may be why this one has failed.
void RunLoop::LookAnew(const PreparedTask& task) {
  for (const runners::FileSet& set : task.files) {
    if (set.in_place) node_files_.Forget(set.in_place->node, set.pattern);
  }
}

}  // namespace dml::engine

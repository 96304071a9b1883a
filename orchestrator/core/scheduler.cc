#include "orchestrator/core/scheduler.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/quantity.h"

namespace dml::core {

namespace {

// How many ready tasks are looked at for one that fits into what is free, so that a task too large
// for the moment does not idle the machine, and a long queue does not cost a scan.
constexpr int kLookAheadMax = 32;
// How many may go before the most urgent ready task because it does not fit and they do.
constexpr int kOvertakesMax = 16;

std::vector<double> Urgencies(const TaskGraph& graph, const IdMap<TaskId, TaskPolicy>& policies) {
  std::vector<double> durations;
  durations.reserve(policies.size());
  // An unknown task counts as a second: long chains then still go first.
  for (const TaskPolicy& policy : policies) {
    durations.push_back(policy.expected.ns > 0 ? policy.expected.seconds() : 1.0);
  }
  return CriticalPaths(graph, durations);
}

// For people: place, message, remedy; in one line unless the message shows an excerpt.
std::string Describe(const Error& error) {
  std::string text = error.where.empty() ? error.message : error.where + ": " + error.message;
  const bool excerpt = error.message.find('\n') != std::string::npos;
  if (!error.hint.empty()) text += (excerpt ? "\n" : "; ") + error.hint;
  return text;
}

// How often an attempt was lost, and what there is to do.
std::string BudgetSpent(int lost, const pipelines::RetryPolicy& policy) {
  return fmt::format(
      "; {} {} lost, and retry.infrastructure_limit is {}: `dml resume` tries as often again", lost,
      lost == 1 ? "attempt was" : "attempts were", policy.infrastructure_limit);
}

}  // namespace

Scheduler::Scheduler(const TaskGraph& graph, IdMap<TaskId, TaskPolicy> policies,
                     const SchedulerOptions& options)
    : graph_(graph),
      policies_(std::move(policies)),
      options_(options),
      tasks_(graph.size()),
      ready_(Urgencies(graph, policies_)),
      unfinished_(graph.size()) {
  DML_CHECK(policies_.size() == graph.size(), "every task has a policy");
  counts_[static_cast<std::size_t>(TaskState::kBlocked)] = graph.size();
  for (std::size_t i = 0; i < graph.size(); ++i) {
    const TaskId task(i);
    tasks_[task].waiting = static_cast<std::uint32_t>(graph.producers(task).size());
    tasks_[task].memory_bytes = policies_[task].memory_bytes;
  }
}

void Scheduler::Preset(TaskId task, TaskState state) {
  DML_CHECK(IsFinal(state), "a preset task is done");
  Restore(task, {state, {}, {}, FailureKind::kNone});
  tasks_[task].preset = true;
}

void Scheduler::Restore(TaskId task, const RestoredTask& restored) {
  Task& entry = tasks_[task];
  DML_CHECK(entry.state == TaskState::kBlocked, "a task is restored once");
  entry.attempt = restored.attempt;
  entry.counts = restored.counts;
  entry.memory_bytes =
      GrownMemory(policies_[task].memory_bytes, policies_[task].retry.memory_growth,
                  restored.counts.out_of_memory, options_.memory_bytes);
  Count(task, entry.state, restored.state);
  entry.state = restored.state;
  if (restored.state == TaskState::kCommitting) recommits_.push_back(task);
  if (restored.state == TaskState::kFailed) {
    entry.failure = restored.last_failure;
    CountFailed(entry.failure, 1);
    if (entry.failure == FailureKind::kInfrastructure) {
      stranded_.push_back(task);
    } else if (!options_.keep_going) {
      failing_ = failing_for_good_ = true;
    }
  }
  if (!IsFinal(restored.state)) return;
  for (const TaskId consumer : graph_.consumers(task)) --tasks_[consumer].waiting;
}

void Scheduler::Apply(std::span<const Event> events, Instant now, std::vector<Command>& out) {
  out_ = &out;
  now_ = now;
  for (const Event& event : events) {
    std::visit([this](const auto& one) { On(one); }, event);
    Settle();
  }
  WakeRetries();
  Settle();
  LaunchWhatFits();
  out_ = nullptr;
}

std::optional<Instant> Scheduler::NextWakeup() const {
  if (backoff_.empty()) return std::nullopt;
  return backoff_.begin()->first;
}

// The only writer of a task's state.
void Scheduler::Move(TaskId task, TaskState to, std::string reason, TaskId blamed,
                     FailureKind failure) {
  Task& entry = tasks_[task];
  const TaskState from = entry.state;
  DML_CHECK(CanMove(from, to), "the transition table knows every move");
  Count(task, from, to);
  entry.state = to;
  out_->emplace_back(Change{task, from, to, entry.attempt, std::move(reason), blamed, failure});
  if (IsFinal(to)) settling_.push_back(task);
}

void Scheduler::CountFailed(FailureKind kind, int change) {
  if (kind == FailureKind::kInvalid) invalid_ += static_cast<std::size_t>(change);
  if (kind == FailureKind::kInfrastructure) environment_ += static_cast<std::size_t>(change);
}

bool Scheduler::resumable() const {
  return environment_ > 0 && (environment_ == count(TaskState::kFailed) || options_.keep_going);
}

// Whether a final state that left no outputs is none of the task's own making, so that a resumed
// run takes the task up again.
bool Scheduler::MayFareBetter(TaskId task) const {
  const Task& entry = tasks_[task];
  return entry.state == TaskState::kCancelled ||
         (entry.state == TaskState::kFailed && entry.failure == FailureKind::kInfrastructure);
}

// A task that another's failure keeps from starting.
void Scheduler::HoldBack(TaskId task) {
  Move(task, failing_for_good_ ? TaskState::kSkipped : TaskState::kCancelled,
       "another task failed");
}

// Everything that is counted by state.
void Scheduler::Count(TaskId task, TaskState from, TaskState to) {
  const TaskPolicy& policy = policies_[task];
  if (IsInFlight(from) && !IsInFlight(to)) {
    cpus_used_ -= policy.cpus;
    memory_used_ -= tasks_[task].memory_bytes;
    --in_flight_;
  } else if (!IsInFlight(from) && IsInFlight(to)) {
    cpus_used_ += policy.cpus;
    memory_used_ += tasks_[task].memory_bytes;
    ++in_flight_;
  }
  --counts_[static_cast<std::size_t>(from)];
  ++counts_[static_cast<std::size_t>(to)];
  if (IsFinal(to) && !IsFinal(from)) --unfinished_;
  if (IsFinal(from) && !IsFinal(to)) ++unfinished_;
}

// Back to the beginning: in a run that is taken up again, or because outputs were lost.
void Scheduler::Reopen(TaskId task, std::string reason) {
  const bool was_final = IsFinal(tasks_[task].state);
  if (tasks_[task].state == TaskState::kFailed) CountFailed(tasks_[task].failure, -1);
  Move(task, TaskState::kBlocked, std::move(reason));
  tasks_[task].resolved = false;
  if (!was_final) return;
  for (const TaskId consumer : graph_.consumers(task)) ++tasks_[consumer].waiting;
}

// Tells consumers, whose own end may concern further consumers: a list instead of recursion, since
// a skipped chain can be as long as the graph.
void Scheduler::Settle() {
  for (std::size_t next = 0; next < settling_.size(); ++next) {
    for (const TaskId consumer : graph_.consumers(settling_[next])) {
      Task& entry = tasks_[consumer];
      DML_CHECK(entry.waiting > 0, "a consumer waits for each producer once");
      if (--entry.waiting > 0) continue;
      // Who has begun, or ended, has read what was there before one of them was made again.
      const bool has_read = IsInFlight(entry.state) || entry.state == TaskState::kCommitting ||
                            HasOutputs(entry.state);
      if (has_read) out_->emplace_back(Recheck{consumer});
      Examine(consumer);
    }
  }
  settling_.clear();
}

// The first producer that is final and has nothing to read, if the task heeds that.
std::optional<TaskId> Scheduler::FailedProducer(TaskId task) const {
  if (!policies_[task].heeds_failures) return std::nullopt;
  for (const TaskId producer : graph_.producers(task)) {
    const TaskState state = tasks_[producer].state;
    if (IsFinal(state) && !HasOutputs(state)) return producer;
  }
  return std::nullopt;
}

// All producers are final: ask for a decision, or pass their failure on.
void Scheduler::Examine(TaskId task) {
  if (tasks_[task].state != TaskState::kBlocked) return;
  if (cancelling_) return Move(task, TaskState::kCancelled, "the run was cancelled");
  if (const std::optional<TaskId> producer = FailedProducer(task)) {
    const TaskState to = MayFareBetter(*producer) ? TaskState::kCancelled : TaskState::kSkipped;
    return Move(task, to, std::string(TaskStateName(tasks_[*producer].state)), *producer);
  }
  if (!MayStart(task)) return HoldBack(task);
  Move(task, TaskState::kReady);
  out_->emplace_back(Resolve{task});
}

bool Scheduler::IsCurrent(TaskId task, AttemptNumber attempt) const {
  return tasks_[task].attempt == attempt;
}

void Scheduler::On(const Started&) {
  begun_ = true;
  for (const TaskId task : graph_.order()) {
    if (tasks_[task].waiting == 0) Examine(task);
  }
}

void Scheduler::On(const AttemptVanished& event) {
  const TaskState state = tasks_[event.task].state;
  const bool live = IsInFlight(state) || state == TaskState::kCommitting;
  // Nobody's budget: neither the task nor its node did anything wrong.
  if (!IsCurrent(event.task, event.attempt) || !live) return;
  Reopen(event.task, "interrupted");
  if (begun_ && tasks_[event.task].waiting == 0) Examine(event.task);
}

void Scheduler::On(const OutputsLost& event) {
  if (HasOutputs(tasks_[event.task].state)) {
    MakeAgain(event.task, "its outputs are no longer in the store");
  }
}

void Scheduler::On(const Outdated& event) {
  constexpr std::string_view kReason = "what it read has been made again, with another content";
  const TaskState state = tasks_[event.task].state;
  if (!IsCurrent(event.task, event.attempt)) return;
  if (HasOutputs(state)) return MakeAgain(event.task, std::string(kReason));
  if (!IsInFlight(state) && state != TaskState::kCommitting) return;
  Reopen(event.task, std::string(kReason));
  if (begun_ && tasks_[event.task].waiting == 0) Examine(event.task);
}

// A task that is done. Consumers are looked at when it is done again.
void Scheduler::MakeAgain(TaskId task, std::string reason) {
  if (begun_ && (failing_ || cancelling_)) return;  // nothing starts any more
  Reopen(task, std::move(reason));
  if (!begun_) return;
  // Attempts under way may have read everything already, and go on.
  for (const TaskId consumer : graph_.consumers(task)) {
    if (tasks_[consumer].state != TaskState::kReady) continue;
    if (tasks_[consumer].resolved) ready_.Remove(consumer);
    Reopen(consumer, "its inputs are made again");
  }
  if (tasks_[task].waiting == 0) Examine(task);
}

IdMap<TaskId, bool> Scheduler::TakenUp() const {
  IdMap<TaskId, bool> anew(tasks_.size(), false);
  for (const TaskId task : stranded_) anew[task] = true;
  for (const TaskId task : graph_.order()) {
    const TaskState state = tasks_[task].state;
    const bool left_out = state == TaskState::kSkipped || state == TaskState::kFailed;
    // What it was decided by may be another.
    const bool by_another =
        left_out && !tasks_[task].preset &&
        std::ranges::any_of(graph_.producers(task), [&](TaskId one) { return anew[one]; });
    if (state == TaskState::kCancelled || by_another) anew[task] = true;
  }
  return anew;
}

void Scheduler::On(const Resumed&) {
  begun_ = true;
  // Those whose attempt was found to have failed wait for their alarm.
  std::set<TaskId> failed_just_now;
  for (const auto& [when, task] : backoff_) failed_just_now.insert(task);
  const IdMap<TaskId, bool> anew = TakenUp();
  for (const TaskId task : std::exchange(stranded_, {})) {
    tasks_[task].counts.infrastructure_failures = 0;  // that somebody resumes it is a new chance
  }
  for (const TaskId task : graph_.order()) {
    const TaskState state = tasks_[task].state;
    if (failed_just_now.contains(task)) continue;
    if (state == TaskState::kReady || state == TaskState::kBackoff || anew[task]) {
      Reopen(task, "resumed");
    }
  }
  LookForFailures();
  for (const TaskId task : graph_.order()) {
    if (tasks_[task].waiting == 0) Examine(task);
  }
  for (const TaskId task : std::exchange(recommits_, {})) {
    if (tasks_[task].state == TaskState::kCommitting) {
      out_->emplace_back(Commit{task, tasks_[task].attempt});
    }
  }
}

// A failure that is taken up again keeps nobody from starting.
void Scheduler::LookForFailures() {
  failing_ = failing_for_good_ = false;
  if (options_.keep_going) return;
  for (const TaskId task : graph_.order()) {
    if (tasks_[task].state != TaskState::kFailed) continue;
    failing_ = true;
    failing_for_good_ |= tasks_[task].failure != FailureKind::kInfrastructure;
  }
}

void Scheduler::On(const ResolvedRun& event) {
  Task& entry = tasks_[event.task];
  if (entry.state != TaskState::kReady || entry.resolved) return;
  if (!MayStart(event.task)) return HoldBack(event.task);
  entry.resolved = true;
  ready_.Push(event.task);
}

void Scheduler::On(const ResolvedReuse& event) {
  if (tasks_[event.task].state == TaskState::kReady) {
    Move(event.task, TaskState::kReused, event.reason);
  }
}

void Scheduler::On(const ResolvedSkip& event) {
  if (tasks_[event.task].state == TaskState::kReady) {
    Move(event.task, TaskState::kSkipped, event.reason);
  }
}

void Scheduler::On(const ResolvedFailure& event) {
  if (tasks_[event.task].state != TaskState::kReady) return;
  const bool environment =
      event.error.kind == ErrorKind::kEnvironment || event.error.kind == ErrorKind::kBusy;
  Fail(event.task, environment ? FailureKind::kInfrastructure : FailureKind::kInvalid, 2,
       event.error);
}

void Scheduler::On(const AttemptRunning& event) {
  if (!IsCurrent(event.task, event.attempt)) return;
  if (tasks_[event.task].state == TaskState::kLaunching) Move(event.task, TaskState::kRunning);
}

void Scheduler::On(const AttemptSucceeded& event) {
  if (!IsCurrent(event.task, event.attempt) || !IsInFlight(tasks_[event.task].state)) return;
  Move(event.task, TaskState::kCommitting);
  out_->emplace_back(Commit{event.task, event.attempt});
}

void Scheduler::On(const AttemptFailed& event) {
  const TaskState state = tasks_[event.task].state;
  const bool live = IsInFlight(state) || state == TaskState::kCommitting;
  if (!IsCurrent(event.task, event.attempt) || !live) return;
  Fail(event.task, event.kind, event.exit_code, event.error);
}

void Scheduler::Fail(TaskId task, FailureKind kind, int exit_code, const Error& error) {
  const std::string what = Describe(error);
  if (cancelling_) return Move(task, TaskState::kCancelled, what);
  Task& entry = tasks_[task];
  entry.counts.Add(kind);
  const int failures = kind == FailureKind::kInfrastructure ? entry.counts.infrastructure_failures
                                                            : entry.counts.task_failures;
  const auto& policy = policies_[task].retry;
  // Once the run is failing nothing new starts, another attempt neither.
  const bool may_start = MayStart(task) && entry.state != TaskState::kReady;
  if (may_start && MayRetry(policy, kind, exit_code, entry.counts)) {
    // Whose inputs are being made again goes on when they are there.
    const bool robbed = kind == FailureKind::kInfrastructure && entry.waiting > 0;
    const Duration delay = robbed ? Duration{0} : RetryDelay(policy, failures, options_.seed, task);
    const std::int64_t memory = GrownMemory(policies_[task].memory_bytes, policy.memory_growth,
                                            entry.counts.out_of_memory, options_.memory_bytes);
    const std::string more =
        memory > entry.memory_bytes ? " with " + FormatSize(memory) + " of memory" : "";
    const std::string when = robbed ? "with new inputs" : "in " + FormatDuration(delay);
    Move(task, TaskState::kBackoff, fmt::format("{}; next attempt {}{}", what, when, more), {},
         kind);
    entry.memory_bytes = memory;
    backoff_.emplace(now_ + delay, task);
    return;
  }
  // A run that ends for want of a disk or a node is resumed, and with it the budget that is left.
  const bool later = failing_ && !failing_for_good_ && kind != FailureKind::kInfrastructure &&
                     entry.state != TaskState::kReady;
  if (later && MayRetry(policy, kind, exit_code, entry.counts)) {
    return Move(task, TaskState::kCancelled, what + "; tried again when the run is resumed", {},
                kind);
  }
  failing_for_good_ |= !options_.keep_going && kind != FailureKind::kInfrastructure;
  if (!options_.keep_going) StopLaunching();
  CountFailed(kind, 1);
  entry.failure = kind;
  const bool spent = kind == FailureKind::kInfrastructure && entry.state != TaskState::kReady &&
                     failures > policy.infrastructure_limit;
  Move(task, TaskState::kFailed, spent ? what + BudgetSpent(failures, policy) : what, {}, kind);
}

void Scheduler::On(const AttemptStopped& event) {
  const TaskState state = tasks_[event.task].state;
  const bool live = IsInFlight(state) || state == TaskState::kCommitting;
  if (IsCurrent(event.task, event.attempt) && live) {
    Move(event.task, TaskState::kCancelled, "stopped");
  }
}

void Scheduler::On(const Committed& event) {
  if (!IsCurrent(event.task, event.attempt)) return;
  if (tasks_[event.task].state == TaskState::kCommitting) Move(event.task, TaskState::kSucceeded);
}

void Scheduler::On(const CapacityChanged& event) {
  options_.cpus = event.cpus;
  options_.prefetch = event.prefetch;
}

void Scheduler::On(const CancelRequested& event) {
  cancelling_ = true;
  backoff_.clear();
  for (const TaskId task : graph_.order()) {
    const TaskState state = tasks_[task].state;
    if (IsInFlight(state)) {
      out_->emplace_back(Kill{task, tasks_[task].attempt, event.at_once});
    } else if (!IsFinal(state) && state != TaskState::kCommitting) {
      if (tasks_[task].resolved) ready_.Remove(task);
      Move(task, TaskState::kCancelled, "the run was cancelled");
    }
  }
}

void Scheduler::On(const TimePassed&) {}

// Without --keep-going a failure lets running tasks finish and starts nothing new, except for what
// is there to clean up.
void Scheduler::StopLaunching() {
  failing_ = true;
  std::vector<TaskId> waiting;
  for (const auto& [urgency, task] : ready_) waiting.push_back(task);
  for (const TaskId task : waiting) {
    if (MayStart(task)) continue;
    ready_.Remove(task);
    tasks_[task].resolved = false;
    HoldBack(task);
  }
  std::erase_if(backoff_, [this](const auto& alarm) {
    if (MayStart(alarm.second)) return false;
    Move(alarm.second, TaskState::kCancelled, "another task failed");
    return true;
  });
}

void Scheduler::WakeRetries() {
  while (!backoff_.empty() && backoff_.begin()->first <= now_) {
    const TaskId task = backoff_.begin()->second;
    backoff_.erase(backoff_.begin());
    if (tasks_[task].waiting > 0 || FailedProducer(task)) {
      Reopen(task, "its inputs are made again");
      if (tasks_[task].waiting == 0) Examine(task);  // or were to be, and could not
      continue;
    }
    // What it reads may be another by now: an equal result may be there, an input made again, a
    // script mended.
    Move(task, TaskState::kReady);
    out_->emplace_back(Resolve{task});
  }
}

bool Scheduler::Fits(TaskId task, bool ahead) const {
  const TaskPolicy& policy = policies_[task];
  // A task larger than the whole machine runs alone rather than never.
  if (in_flight_ == 0) return true;
  const double limit = options_.cpus + (policy.queueable && ahead ? options_.prefetch : 0);
  const bool cpus = cpus_used_ + policy.cpus <= limit;
  const bool memory = options_.memory_bytes == 0 ||
                      memory_used_ + tasks_[task].memory_bytes <= options_.memory_bytes;
  return cpus && memory;
}

// The most urgent task that fits. Looks past a few that do not, but nobody is overtaken for ever,
// and nothing queues up ahead of a task that waits for processors.
std::optional<TaskId> Scheduler::ChooseNext() {
  int looked_at = 0;
  for (const auto& [urgency, task] : ready_) {
    if (Fits(task, /*ahead=*/looked_at == 0)) {
      if (looked_at > 0) ++overtakes_;
      return task;
    }
    if (looked_at == 0 && task != overtaken_) {
      overtaken_ = task;
      overtakes_ = 0;
    }
    if (++looked_at == kLookAheadMax || overtakes_ >= kOvertakesMax) break;
  }
  return std::nullopt;
}

void Scheduler::LaunchWhatFits() {
  if (cancelling_) return;
  while (!ready_.empty()) {
    const std::optional<TaskId> chosen = ChooseNext();
    if (!chosen) return;
    Task& entry = tasks_[*chosen];
    ready_.Remove(*chosen);
    entry.resolved = false;
    ++entry.attempt.value;
    Move(*chosen, TaskState::kLaunching);
    out_->emplace_back(Launch{*chosen, entry.attempt, entry.memory_bytes});
  }
}

}  // namespace dml::core

#include "orchestrator/engine/stop_run.h"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>

#include <algorithm>

#include "base/crash_point.h"
#include "base/process.h"
#include "orchestrator/engine/file_lock.h"
#include "orchestrator/engine/recovery.h"
#include "orchestrator/state/run_store.h"

namespace dml::engine {

namespace {

constexpr Duration kKillPatience = Duration::Seconds(10);
constexpr int kLookMs = 20;

// Whether the run has no owner any more.
bool WaitForEnd(const std::string& lock, Duration patience, const Clock& clock) {
  const Instant deadline = clock.Now() + patience;
  while (FileLock::Owner(lock)) {
    if (clock.Now() >= deadline) return false;
    ::poll(nullptr, 0, kLookMs);
  }
  return true;
}

Result<void> StopOwner(const LockOwner& owner, const std::string& lock, const StopRequest& request,
                       const Clock& clock) {
  if (owner.process.boot != BootId() || !IsAlive(owner.process)) {
    return Error::Environment(owner.Describe(), "stop it there");
  }
  SignalProcess(owner.process, request.at_once ? kStopNowSignal : SIGTERM);
  CrashPoint("stop.sent");
  if (!request.at_once) {
    if (WaitForEnd(lock, request.patience, clock)) return {};
    SignalProcess(owner.process, kStopNowSignal);
  }
  if (WaitForEnd(lock, kKillPatience, clock)) return {};
  SignalProcess(owner.process, SIGKILL);
  if (WaitForEnd(lock, kKillPatience, clock)) return {};
  return Error::Environment(fmt::format("process {} does not die", owner.process.pid),
                            "it may wait for a disk or a network share; try again later");
}

// The owner is dead, or died of us: what it would have done.
Result<void> CancelDeadRun(const Home& home, RunId run, state::RunStore& store,
                           runners::Runner& runner, const Clock& clock) {
  DML_TRY(const std::vector<state::OpenAttempt> attempts, store.OpenAttempts(run));
  DML_RETURN_IF_ERROR(RecoverRun(home, store, runner, run));
  // On the nodes of a cluster they have outlived the owner.
  for (const state::OpenAttempt& open : attempts) {
    runner.Kill({run, open.task, open.attempt}, runners::KillMode::kKill);
  }
  SweepAttempts(home, run, {});
  DML_TRY(const state::RunSnapshot snapshot, store.Load(run));
  state::Batch batch;
  for (std::size_t i = 0; i < snapshot.tasks.size(); ++i) {
    const state::StoredTask& task = snapshot.tasks[TaskId(i)];
    if (core::IsFinal(task.state)) continue;
    batch.changes.push_back({TaskId(i), task.state, core::TaskState::kCancelled, task.attempt,
                             "the run was stopped", core::FailureKind::kNone});
  }
  DML_RETURN_IF_ERROR(store.Append(run, clock.Wall(), batch));
  return store.EndRun(run, clock.Wall(), state::RunOutcome::kCancelled);
}

}  // namespace

Result<void> StopRun(const Home& home, const StopRequest& request, const RunnerMaker& make_runner,
                     const Clock& clock) {
  const std::string lock = home.RunLockPath(request.run);
  const std::string name = fmt::format("r{}", request.run.value);
  const auto owner = FileLock::Owner(lock);
  if (owner) DML_RETURN_IF_ERROR(StopOwner(*owner, lock, request, clock));

  DML_TRY(const FileLock gate, FileLock::Wait(home.GateLockPath()));
  DML_TRY(state::RunStore store, state::RunStore::Open(home.DatabasePath()));
  DML_TRY(const state::RunSnapshot snapshot, store.Load(request.run));
  const bool open = snapshot.outcome == state::RunOutcomeName(state::RunOutcome::kRunning) ||
                    snapshot.outcome == state::RunOutcomeName(state::RunOutcome::kInterrupted);
  if (!open) {
    if (owner) return {};
    return Error::Invalid(
        fmt::format("{} has ended: it {}", name,
                    snapshot.outcome == "cancelled" ? "was cancelled" : snapshot.outcome));
  }
  DML_TRY(const FileLock mine, FileLock::Take(lock, name));
  DML_TRY(const std::unique_ptr<runners::Runner> runner, make_runner());
  DML_RETURN_IF_ERROR(CancelDeadRun(home, request.run, store, *runner, clock));
  runner->Shutdown();
  return {};
}

}  // namespace dml::engine

#include "orchestrator/engine/stop_run.h"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>

#include <algorithm>
#include <optional>
#include <tuple>
#include <utility>

#include "base/crash_point.h"
#include "base/files.h"
#include "base/process.h"
#include "orchestrator/engine/file_lock.h"
#include "orchestrator/engine/recovery.h"
#include "orchestrator/engine/run_owner.h"
#include "orchestrator/state/run_store.h"

namespace dml::engine {

namespace {

constexpr Duration kKillPatience = Duration::Seconds(10);
// Whoever waits for longer wants to know for whom.
constexpr Duration kMoment = Duration::Millis(1500);
constexpr int kLookMs = 20;

struct RunPlace {
  std::string home;
  RunId run;
};

std::optional<LockOwner> OwnerOf(const RunPlace& place) {
  return OwnerOfRun(place.home, place.run);
}

// Whether the run has no owner any more.
bool WaitForEnd(const RunPlace& place, Duration patience, const Clock& clock) {
  const Instant deadline = clock.Now() + patience;
  while (OwnerOf(place)) {
    if (clock.Now() >= deadline) return false;
    ::poll(nullptr, 0, kLookMs);
  }
  return true;
}

// By SIGSTOP, a terminal or a debugger: it does not act on signals, but for KILL.
bool IsStopped(const ProcessId& process) {
  const auto status = ReadFile(fmt::format("/proc/{}/status", process.pid));
  if (!status.ok() || !IsAlive(process)) return false;
  return status->find("\nState:\tT") != std::string::npos ||
         status->find("\nState:\tt") != std::string::npos;
}

// False if it is dead.
Result<bool> Send(const LockOwner& owner, int signal) {
  if (SignalProcess(owner.process, signal)) return true;
  if (!IsAlive(owner.process)) return false;
  return Error::Environment(owner.Describe() + ", and that process belongs to another user",
                            "nothing was stopped: let that user, or root, stop it");
}

// Steps of the ladder are given up once the owner has gone.
class Ladder {
 public:
  Ladder(const LockOwner& owner, RunPlace place, const StopRequest& request, const Clock& clock)
      : owner_(owner), place_(std::move(place)), request_(request), clock_(clock) {}

  Result<void> Climb() {
    DML_TRY(const bool heard, request_.at_once ? KillTasks() : EndTasks());
    if (heard) return {};
    DML_TRY(std::ignore, Send(owner_, SIGKILL));
    if (WaitForEnd(place_, kKillPatience, clock_)) return {};
    return Error::Environment(fmt::format("process {} does not die", owner_.process.pid),
                              "it may wait for a disk or a network share; try again later");
  }

 private:
  // A process that is stopped hears TERM once it goes on.
  Result<bool> EndTasks() {
    DML_TRY(std::ignore, Send(owner_, SIGTERM));
    SignalProcess(owner_.process, SIGCONT);
    CrashPoint("stop.sent");
    if (WaitForEnd(place_, kMoment, clock_)) return true;
    Say(fmt::format("waiting for {}, which gives its tasks a moment to end; --now kills them",
                    Owner()));
    if (WaitForEnd(place_, request_.patience - kMoment, clock_)) return true;
    Say(fmt::format("telling {} to kill its tasks", Owner()));
    return KillTasks();
  }

  Result<bool> KillTasks() {
    DML_TRY(std::ignore, Send(owner_, kStopNowSignal));
    CrashPoint("stop.sent");
    if (WaitForEnd(place_, kMoment, clock_)) return true;
    if (!IsStopped(owner_.process)) {
      Say(fmt::format("waiting for {}, which is to kill its tasks", Owner()));
      if (WaitForEnd(place_, kKillPatience - kMoment, clock_)) return true;
    }
    Say(fmt::format("killing {}, which {}", Owner(),
                    IsStopped(owner_.process) ? "is stopped" : "does not answer"));
    return false;
  }

  [[nodiscard]] std::string Owner() const {
    return fmt::format("process {} on {}", owner_.process.pid, owner_.host);
  }
  void Say(const std::string& text) const { request_.say(text); }

  const LockOwner& owner_;
  const RunPlace place_;
  const StopRequest& request_;
  const Clock& clock_;
};

Result<void> StopOwner(const LockOwner& owner, const RunPlace& place, const StopRequest& request,
                       const Clock& clock) {
  if (owner.process.boot != BootId() || !IsAlive(owner.process)) {
    if (!OwnerOf(place)) return {};
    return Error::Environment(owner.Describe(), "stop it there");
  }
  return Ladder(owner, place, request, clock).Climb();
}

// The owner is dead, or died of us: what it would have done.
Result<void> CancelDeadRun(const Home& home, const StopRequest& request, state::RunStore& store,
                           runners::Runner& runner, const Clock& clock) {
  const RunId run = request.run;
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
  return store.EndRun(run, clock.Wall(), state::RunOutcome::kCancelled, request.hooks);
}

// The gate, behind which nobody takes the run up. A run that is coming into being, or is taken up,
// gets its owner there: that one is stopped like the first.
Result<FileLock> EndOwners(const Home& home, const StopRequest& request, const Clock& clock,
                           bool& owned) {
  const RunPlace place{home.path(), request.run};
  while (true) {
    if (const auto owner = OwnerOf(place)) {
      owned = true;
      DML_RETURN_IF_ERROR(StopOwner(*owner, place, request, clock));
    }
    DML_TRY(FileLock gate, FileLock::Wait(home.GateLockPath()));
    if (!OwnerOf(place)) return gate;
  }
}

}  // namespace

Result<std::string> StopRun(const Home& home, const StopRequest& request,
                            const RunnerMaker& make_runner, const Clock& clock) {
  const std::string name = fmt::format("r{}", request.run.value);
  bool owned = false;
  DML_TRY(const FileLock gate, EndOwners(home, request, clock, owned));
  DML_TRY(state::RunStore store, state::RunStore::Open(home.DatabasePath()));
  DML_TRY(const state::RunSnapshot snapshot, store.Load(request.run));
  const bool open = snapshot.outcome == state::RunOutcomeName(state::RunOutcome::kRunning) ||
                    snapshot.outcome == state::RunOutcomeName(state::RunOutcome::kInterrupted);
  if (!open) {
    if (owned) return snapshot.outcome;
    return Error::Invalid(
        fmt::format("{} has ended: it {}", name,
                    snapshot.outcome == "cancelled" ? "was cancelled" : snapshot.outcome));
  }
  DML_TRY(const std::unique_ptr<runners::Runner> runner, make_runner());
  auto first = RunLock::Take(home, request.run);
  // Its leavings may have filled the disk.
  const bool room = first.ok() || first.error().kind != ErrorKind::kEnvironment;
  if (!room) DML_RETURN_IF_ERROR(RecoverRun(home, store, *runner, request.run));
  DML_TRY(const RunLock mine, room ? std::move(first) : RunLock::Take(home, request.run));
  DML_RETURN_IF_ERROR(CancelDeadRun(home, request, store, *runner, clock));
  runner->Shutdown();
  return std::string(state::RunOutcomeName(state::RunOutcome::kCancelled));
}

}  // namespace dml::engine

#include "orchestrator/engine/session.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "orchestrator/core/fusion.h"
#include "orchestrator/engine/background.h"
#include "orchestrator/engine/file_lock.h"
#include "orchestrator/engine/inbox.h"
#include "orchestrator/engine/recovery.h"
#include "orchestrator/engine/run_loop.h"
#include "orchestrator/engine/run_owner.h"
#include "orchestrator/engine/run_request.h"
#include "orchestrator/engine/selection.h"

namespace dml::engine {

namespace {

Result<void> CheckUnfinished(RunId run, const std::string& outcome) {
  const auto is = [&](state::RunOutcome one) { return outcome == state::RunOutcomeName(one); };
  if (is(state::RunOutcome::kSucceeded)) {
    return Error::Invalid(fmt::format("r{} is done", run.value), "there is nothing to resume");
  }
  if (is(state::RunOutcome::kFailed)) {
    return Error::Invalid(fmt::format("r{} has failed", run.value),
                          fmt::format("`dml retry r{}` runs what failed again", run.value));
  }
  return {};
}

}  // namespace

struct RunSession::State {
  const Home& home;
  const pipelines::ExpandedPipeline& pipeline;
  RunOptions options;
  const Clock& clock;
  RunObserver& observer;
  Inbox inbox;

  std::vector<FileLock> locks;
  std::optional<RunLock> run_lock;

  void GiveLocksBack() {
    run_lock.reset();
    locks.clear();
  }

  Result<void> LockPipeline() {
    if (options.concurrent) return {};
    DML_TRY(FileLock lock, FileLock::Take(home.PipelineLockPath(pipeline.file), pipeline.name));
    locks.push_back(std::move(lock));
    return {};
  }
  Result<void> LockRun(RunId run) {
    DML_TRY(RunLock lock, RunLock::Take(home, run, TermsOf(options)));
    run_lock.emplace(std::move(lock));
    return {};
  }

  Result<void> CheckFirst(state::RunStore& store) const {
    if (options.once.empty()) return {};
    DML_TRY(const std::optional<RunId> run, store.FindOnce(options.once));
    if (!run) return {};
    return Error::Busy(
        fmt::format("r{} has begun for this already", run->value),
        fmt::format("`dml resume r{0}` goes on with it, `dml status r{0}` shows it", run->value));
  }

  // The name of an owner needs room on the disk, which the leavings of dead runs may take.
  template <typename Lock>
  Result<void> WithRoom(const Lock& lock, state::RunStore& store, runners::Runner& runner) {
    auto first = lock();
    if (first.ok() || first.error().kind != ErrorKind::kEnvironment) return first;
    DML_RETURN_IF_ERROR(RecoverDeadRuns(home, store, runner));
    return lock();
  }

  // The gate is shut behind us, so that nobody sees the run before it has an owner.
  Result<void> Begin(RunLoop& loop, state::RunStore& store, runners::Runner& runner) {
    DML_TRY(const FileLock gate, FileLock::Wait(home.GateLockPath()));
    DML_RETURN_IF_ERROR(CheckFirst(store));
    DML_RETURN_IF_ERROR(WithRoom([&] { return LockPipeline(); }, store, runner));
    DML_RETURN_IF_ERROR(RecoverDeadRuns(home, store, runner));
    DML_RETURN_IF_ERROR(loop.Begin());
    return LockRun(loop.run());
  }
  Result<void> TakeUp(RunId run, RunLoop& loop, state::RunStore& store, runners::Runner& runner) {
    DML_TRY(const FileLock gate, FileLock::Wait(home.GateLockPath()));
    // The run first: that it is at work is the better answer.
    DML_RETURN_IF_ERROR(WithRoom([&] { return LockRun(run); }, store, runner));
    DML_RETURN_IF_ERROR(LockPipeline());
    DML_TRY(const state::RunSnapshot snapshot, store.Load(run));
    DML_RETURN_IF_ERROR(CheckUnfinished(run, snapshot.outcome));
    DML_RETURN_IF_ERROR(loop.Resume(run, snapshot));
    DML_RETURN_IF_ERROR(store.MarkRun(run, state::RunOutcome::kRunning));
    return RecoverDeadRuns(home, store, runner);
  }

  Result<void> Drive(RunLoop& loop) {
    std::vector<Message> messages;
    while (true) {
      DML_RETURN_IF_ERROR(loop.Turn(messages));
      if (loop.Done()) return {};
      std::optional<Duration> limit;
      if (const auto due = loop.NextWakeup()) {
        limit = std::max(Duration{0}, *due - clock.Now());
      }
      inbox.Wait(limit, loop.Patience());
      messages = inbox.Drain();
    }
  }

  Result<RunResult> Execute(std::optional<RunId> unfinished, runners::Runner& runner) {
    DML_TRY(const core::TaskGraph tasks, core::BuildGraph(pipeline));
    DML_TRY(const Selection selection, SelectTasks(pipeline, tasks, options));
    if (!unfinished) DML_RETURN_IF_ERROR(CheckRange(pipeline, selection, options));
    const core::Fusion fusion = core::Fuse(pipeline, selection.wanted);
    DML_TRY(const core::TaskGraph units, core::BuildUnitGraph(pipeline, fusion));
    DML_TRY(state::RunStore store, state::RunStore::Open(home.DatabasePath()));
    if (home.shared()) DML_RETURN_IF_ERROR(store.Share(home.SharedIndexPath(), home.path()));
    auto background = std::make_unique<BackgroundThread>(home, inbox);
    DML_TRY(state::RunStore log, state::RunStore::Open(home.DatabasePath()));
    if (home.shared()) DML_RETURN_IF_ERROR(log.Share(home.SharedIndexPath(), home.path()));
    LogWriterThread writer(std::move(log), inbox);
    RunLoop loop({home, pipeline, options, clock, observer, runner, *background, store, writer,
                  units, fusion, selection});
    DML_RETURN_IF_ERROR(unfinished ? TakeUp(*unfinished, loop, store, runner)
                                   : Begin(loop, store, runner));
    if (auto driven = Drive(loop); !driven.ok()) {
      // The store no longer hears about them: nothing may go on unseen.
      runner.Shutdown();
      background.reset();
      // On the nodes of a cluster attempts live on, and are asked for first.
      if (options.cluster.empty()) static_cast<void>(SweepUnfinished(home, store, loop.run()));
      return std::move(driven).error();
    }
    // What is to be removed is removed before the run counts as ended: nobody looks again.
    background.reset();
    return loop.Finish();
  }
};

RunSession::RunSession(const Home& home, const pipelines::ExpandedPipeline& pipeline,
                       const RunOptions& options, const Clock& clock, RunObserver& observer)
    : state_(new State{home, pipeline, options, clock, observer, {}, {}, {}}) {}

RunSession::~RunSession() = default;

runners::EventSink& RunSession::events() { return state_->inbox; }

void RunSession::Cancel(bool at_once) { state_->inbox.Deliver(core::CancelRequested{at_once}); }

Result<RunResult> RunSession::Run(runners::Runner& runner) {
  auto result = state_->Execute(std::nullopt, runner);
  state_->GiveLocksBack();
  return result;
}

Result<RunResult> RunSession::Resume(RunId run, runners::Runner& runner) {
  auto result = state_->Execute(run, runner);
  state_->GiveLocksBack();
  return result;
}

}  // namespace dml::engine

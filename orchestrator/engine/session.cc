#include "orchestrator/engine/session.h"

#include <fmt/format.h>

#include <algorithm>

#include "orchestrator/core/fusion.h"
#include "orchestrator/engine/background.h"
#include "orchestrator/engine/file_lock.h"
#include "orchestrator/engine/inbox.h"
#include "orchestrator/engine/run_loop.h"
#include "orchestrator/engine/selection.h"

namespace dml::engine {

struct RunSession::State {
  const Home& home;
  const pipelines::ExpandedPipeline& pipeline;
  RunOptions options;
  const Clock& clock;
  RunObserver& observer;
  Inbox inbox;

  // The gate is shut behind us, so that nobody sees the run before it has an owner.
  Result<std::vector<FileLock>> Begin(RunLoop& loop) {
    DML_TRY(const FileLock gate, FileLock::Wait(home.GateLockPath()));
    std::vector<FileLock> locks;
    if (!options.concurrent) {
      DML_TRY(FileLock lock, FileLock::Take(home.PipelineLockPath(pipeline.file), pipeline.name));
      locks.push_back(std::move(lock));
    }
    DML_RETURN_IF_ERROR(loop.Begin());
    DML_TRY(FileLock lock,
            FileLock::Take(home.RunLockPath(loop.run()), fmt::format("r{}", loop.run().value)));
    locks.push_back(std::move(lock));
    return locks;
  }

  Result<void> Drive(RunLoop& loop) {
    std::vector<Message> messages;
    while (true) {
      DML_RETURN_IF_ERROR(loop.Turn(std::move(messages)));
      if (loop.Done()) return {};
      std::optional<Duration> limit;
      if (const auto due = loop.NextWakeup()) {
        limit = std::max(Duration{0}, *due - clock.Now());
      }
      inbox.Wait(limit);
      messages = inbox.Drain();
    }
  }
};

RunSession::RunSession(const Home& home, const pipelines::ExpandedPipeline& pipeline,
                       const RunOptions& options, const Clock& clock, RunObserver& observer)
    : state_(new State{home, pipeline, options, clock, observer, {}}) {}

RunSession::~RunSession() = default;

runners::EventSink& RunSession::events() { return state_->inbox; }

void RunSession::Cancel(bool at_once) { state_->inbox.Deliver(core::CancelRequested{at_once}); }

Result<RunResult> RunSession::Run(runners::Runner& runner) {
  State& state = *state_;
  DML_TRY(const core::TaskGraph tasks, core::BuildGraph(state.pipeline));
  DML_TRY(const Selection selection, SelectTasks(state.pipeline, tasks, state.options));
  const core::Fusion fusion = core::Fuse(state.pipeline, selection.wanted);
  DML_TRY(const core::TaskGraph units, core::BuildUnitGraph(state.pipeline, fusion));
  DML_TRY(state::RunStore store, state::RunStore::Open(state.home.DatabasePath()));
  BackgroundThread background(state.home, state.inbox);
  RunLoop loop({state.home, state.pipeline, state.options, state.clock, state.observer, runner,
                background, store, units, fusion, selection});
  DML_TRY(const std::vector<FileLock> locks, state.Begin(loop));
  if (auto driven = state.Drive(loop); !driven.ok()) {
    // The store no longer hears about them: nothing may go on unseen.
    runner.Shutdown();
    return std::move(driven).error();
  }
  return loop.Finish();
}

}  // namespace dml::engine

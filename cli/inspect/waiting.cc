#include "cli/inspect/waiting.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "base/quantity.h"
#include "cli/pipeline/steps_registry.h"
#include "orchestrator/core/fusion.h"
#include "orchestrator/core/retry.h"
#include "orchestrator/core/scheduler.h"
#include "orchestrator/engine/run_owner.h"
#include "orchestrator/engine/run_request.h"
#include "orchestrator/engine/selection.h"
#include "orchestrator/report/waiting.h"
#include "orchestrator/state/run_store.h"
#include "pipelines/load.h"
#include "runners/agent/machine.h"
#include "runners/ssh/placement_notes.h"

namespace dml::cli {

namespace {

// A run as it was asked for, and its units.
struct KeptRun {
  engine::RunRequest request;
  pipelines::ExpandedPipeline pipeline;
  core::Fusion fusion;
  core::TaskGraph units;
  IdMap<TaskId, state::StoredTask> stored;
};

// Without a word about what is wrong in it: the run has begun with it.
Result<pipelines::ExpandedPipeline> Expand(const std::string& file,
                                           const engine::RunRequest& request) {
  pipelines::LoadOptions options;
  options.catalog = &BuiltinSteps().catalog();
  options.schedule_time = request.at;
  options.read_file = [&request](const std::string& name) -> Result<std::string> {
    std::error_code ignored;
    const auto kept =
        request.sources.find(std::filesystem::absolute(name, ignored).lexically_normal().string());
    if (kept != request.sources.end()) return kept->second;
    return pipelines::ReadSource(name);
  };
  for (const std::string& set : request.sets) {
    const std::size_t equals = set.find('=');
    if (equals == std::string::npos) continue;
    options.overrides.emplace_back(set.substr(0, equals), set.substr(equals + 1));
  }
  pipelines::LoadedPipeline loaded = pipelines::LoadPipeline(file, options);
  if (!loaded.ok()) return Error::Invalid("the pipeline of the run is no longer valid");
  return std::move(loaded.pipeline);
}

Result<KeptRun> LoadKept(const std::string& home, RunId run,
                         const std::vector<state::TaskView>& tasks) {
  DML_TRY(state::RunStore store,
          state::RunStore::Open(home + "/dml.db", state::OpenMode::kReadOnly));
  DML_TRY(state::RunSnapshot snapshot, store.Load(run));
  DML_TRY(engine::RunRequest request, engine::RequestFromJson(snapshot.header.options));
  if (const auto owner = engine::OwnerOfRun(home, run)) {
    engine::HeedTerms(owner->terms, request.options);
  }
  DML_TRY(pipelines::ExpandedPipeline pipeline, Expand(snapshot.header.file, request));
  const bool same = std::ranges::equal(pipeline.tasks, tasks, {}, &pipelines::TaskDecl::name,
                                       &state::TaskView::name) &&
                    snapshot.tasks.size() == tasks.size();
  if (!same) return Error::Invalid("the tasks of the run are no longer those of its pipeline");
  DML_TRY(const core::TaskGraph graph, core::BuildGraph(pipeline));
  DML_TRY(const engine::Selection selection, engine::SelectTasks(pipeline, graph, request.options));
  core::Fusion fusion = core::Fuse(pipeline, selection.wanted);
  DML_TRY(core::TaskGraph units, core::BuildUnitGraph(pipeline, fusion));
  return KeptRun{std::move(request), std::move(pipeline), std::move(fusion), std::move(units),
                 std::move(snapshot.tasks)};
}

report::Room RoomOf(const engine::RunRequest& request) {
  report::Room room;
  room.cpus = request.options.jobs;
  // How much the nodes of a cluster have is known to the process that is connected to them.
  if (!request.options.cluster.empty()) return room;
  const runners::Capacity machine = agent::MachineCapacity();
  if (request.options.jobs == 0) room.cpus = machine.cpus;
  room.memory_bytes = machine.memory_bytes;
  return room;
}

// Members of a unit move with the last of them: the others neither hold nor wait for anything.
std::vector<report::UnitFacts> UnitsOf(const KeptRun& kept,
                                       const std::vector<state::TaskView>& tasks,
                                       const report::Room& room) {
  std::vector<report::UnitFacts> units;
  units.reserve(tasks.size());
  for (const state::TaskView& view : tasks) {
    report::UnitFacts unit{view.name, view.state};
    if (!kept.fusion.leads(view.id)) unit.state = core::TaskState::kSkipped;
    for (const TaskId producer : kept.units.producers(view.id)) {
      unit.producers.push_back(producer.index());
    }
    const pipelines::TaskDecl& decl = kept.pipeline.tasks[view.id];
    unit.cpus = decl.resources.cpus;
    unit.memory_bytes =
        core::GrownMemory(decl.resources.memory_bytes, decl.retry.memory_growth,
                          kept.stored[view.id].counts.out_of_memory, room.memory_bytes);
    units.push_back(std::move(unit));
  }
  return units;
}

// What the last attempt came to, without what is said there about the next.
std::string Failure(const state::TaskView& task) {
  const std::string line = task.reason.substr(0, task.reason.find('\n'));
  return line.substr(0, line.rfind("; next attempt"));
}

std::string NextAttempt(const KeptRun& kept, const state::TaskView& task) {
  const TaskId unit = kept.fusion.unit[task.id];
  const state::StoredTask& stored = kept.stored[unit];
  const bool own = stored.last_failure != core::FailureKind::kInfrastructure;
  const int failures = own ? stored.counts.task_failures : stored.counts.infrastructure_failures;
  // Drawn as the scheduler draws it.
  const Duration delay = core::RetryDelay(kept.pipeline.tasks[unit].retry, failures,
                                          core::SchedulerOptions().seed, unit);
  const WallTime due{task.changed.us + delay.ns / 1000};
  return fmt::format("next attempt at {} after attempt {}: {}", FormatUtc(due), task.attempt.value,
                     Failure(task));
}

}  // namespace

std::string WhyItWaits(const std::string& home, const state::RunSummary& run,
                       const std::vector<state::TaskView>& tasks, const state::TaskView& task) {
  if (core::IsFinal(task.state)) return "";
  if (run.outcome != state::RunOutcomeName(state::RunOutcome::kRunning)) {
    return fmt::format("the run is not being worked on: `dml resume r{}` goes on with it",
                       run.id.value);
  }
  if (std::string noted = ssh::ReadWait(home, run.id, task.id); !noted.empty()) return noted;
  if (core::IsInFlight(task.state) || task.state == core::TaskState::kCommitting) return "";
  // Who is ready for other reasons than room was told why.
  if (task.state == core::TaskState::kReady && !task.reason.empty()) return task.reason;
  const auto kept = LoadKept(home, run.id, tasks);
  if (!kept.ok()) return "for what is not known: " + kept.error().message;
  if (task.state == core::TaskState::kBackoff) return NextAttempt(*kept, task);
  const report::Room room = RoomOf(kept->request);
  const std::vector<report::UnitFacts> units = UnitsOf(*kept, tasks, room);
  return report::WhyItWaits(units, kept->fusion.unit[task.id].index(), room);
}

}  // namespace dml::cli

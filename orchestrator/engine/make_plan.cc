// `dml plan`: the decisions of a run without the run.

#include "orchestrator/core/fusion.h"
#include "orchestrator/engine/session.h"
#include "orchestrator/engine/task_resolver.h"

namespace dml::engine {

namespace {

using core::Decision;
using core::PlannedTask;

IdMap<TaskId, PlannedTask> Initial(const Selection& selection, const core::Fusion& fusion) {
  IdMap<TaskId, PlannedTask> initial(fusion.unit.size(), {Decision::kMaybe, {}});
  for (std::size_t i = 0; i < fusion.unit.size(); ++i) {
    const TaskId unit = fusion.unit[TaskId(i)];
    if (!selection.wanted[TaskId(i)]) initial[unit] = {Decision::kSkip, "not needed for --until"};
    if (selection.wanted[unit] && selection.forced[TaskId(i)]) {
      initial[unit] = {Decision::kRun, "forced"};
    }
  }
  return initial;
}

// Looks at one unit whose producers are all reused.
class Lookup {
 public:
  Lookup(const ResolverParts& parts, IdMap<TaskId, std::optional<state::TaskResult>>& results)
      : parts_(parts),
        resolver_(parts),
        states_(parts.graph.size(), core::TaskState::kReused),
        results_(results) {}

  Result<PlannedTask> operator()(TaskId unit) {
    // Later it gets the answer of its chain.
    if (!parts_.fusion.leads(unit)) return PlannedTask{Decision::kReuse, {}};
    while (true) {
      DML_TRY(Verdict verdict, resolver_.Resolve(unit, {states_, results_}));
      if (const auto* hash = std::get_if<MustHash>(&verdict)) {
        DML_TRY([[maybe_unused]] const Digest digest, parts_.files.Get(hash->path));
        continue;
      }
      if (auto* run = std::get_if<MustRun>(&verdict)) {
        return PlannedTask{Decision::kRun, std::move(run->reason), std::move(run->changes)};
      }
      if (auto* skip = std::get_if<MustSkip>(&verdict)) {
        return PlannedTask{Decision::kSkip, std::move(skip->reason)};
      }
      auto& reuse = std::get<MayReuse>(verdict);
      results_[unit] = std::move(reuse.result);
      results_[unit]->fields.clear();
      return PlannedTask{Decision::kReuse, std::move(reuse.reason)};
    }
  }

 private:
  ResolverParts parts_;
  TaskResolver resolver_;
  IdMap<TaskId, core::TaskState> states_;
  IdMap<TaskId, std::optional<state::TaskResult>>& results_;
};

}  // namespace

Result<core::Plan> MakePlan(const Home& home, const pipelines::ExpandedPipeline& pipeline,
                            const RunOptions& options, const Clock& clock) {
  DML_TRY(const core::TaskGraph tasks, core::BuildGraph(pipeline));
  DML_TRY(const Selection selection, SelectTasks(pipeline, tasks, options));
  const core::Fusion fusion = core::Fuse(pipeline, selection.wanted);
  DML_TRY(const core::TaskGraph units, core::BuildUnitGraph(pipeline, fusion));
  DML_TRY(state::RunStore store, state::RunStore::Open(home.DatabasePath()));
  if (home.shared()) DML_RETURN_IF_ERROR(store.Share(home.SharedIndexPath(), home.path()));
  const ArtifactStore artifacts(home);
  FileDigests files(store, clock);
  IdMap<TaskId, std::optional<state::TaskResult>> results(pipeline.tasks.size());
  Lookup lookup({pipeline, units, fusion, selection, store, artifacts, files, options.no_cache},
                results);
  const auto name = [&](TaskId task) { return pipeline.tasks[task].name; };
  DML_TRY(core::Plan plan,
          core::MakePlan(
              units, Initial(selection, fusion), [&](TaskId unit) { return lookup(unit); }, name));
  for (std::size_t i = 0; i < pipeline.tasks.size(); ++i) {
    const TaskId task(i);
    if (!fusion.leads(task)) plan.tasks[task] = plan.tasks[fusion.unit[task]];
  }
  for (const state::FileEntry& file : files.TakeNew()) {
    DML_RETURN_IF_ERROR(store.RememberFile(file.path, file.stamp, file.digest));
  }
  return plan;
}

}  // namespace dml::engine

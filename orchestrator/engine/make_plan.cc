// `dml plan`: the decisions of a run without the run.

#include <algorithm>
#include <limits>
#include <unordered_map>

#include "orchestrator/core/fusion.h"
#include "orchestrator/engine/session.h"
#include "orchestrator/engine/task_resolver.h"

namespace dml::engine {

namespace {

using core::Decision;
using core::PlannedTask;

using Results = IdMap<TaskId, std::optional<state::TaskResult>>;

// What is not wanted is skipped. What runs whatever was done before does so even if its producers
// are undecided, unless one may come to nothing for want of its `if:`.
IdMap<TaskId, PlannedTask> Initial(const ResolverParts& parts, const TaskResolver& resolver) {
  IdMap<TaskId, PlannedTask> initial(parts.graph.size(), {Decision::kMaybe, {}});
  IdMap<TaskId, bool> uncertain(parts.graph.size(), false);
  for (const TaskId unit : parts.graph.order()) {
    if (!parts.selection.wanted[unit]) initial[unit] = {Decision::kSkip, "not needed for --until"};
    if (!parts.selection.wanted[unit] || !parts.fusion.leads(unit)) continue;
    const pipelines::TaskDecl& decl = parts.pipeline.tasks[unit];
    uncertain[unit] = decl.never || decl.condition.has_value() ||
                      std::ranges::any_of(parts.graph.producers(unit),
                                          [&](TaskId producer) { return uncertain[producer]; });
    if (!uncertain[unit]) initial[unit].reason = resolver.WhyAlone(unit);
  }
  return initial;
}

// Looks at one unit whose producers are all reused.
class Lookup {
 public:
  explicit Lookup(const ResolverParts& parts)
      : parts_(parts),
        resolver_(parts),
        states_(parts.graph.size(), core::TaskState::kReused),
        results_(parts.graph.size()) {}

  [[nodiscard]] const TaskResolver& resolver() const { return resolver_; }
  [[nodiscard]] const Results& results() const { return results_; }

  Result<PlannedTask> operator()(TaskId unit) {
    // Later it gets the answer of its chain.
    if (!parts_.fusion.leads(unit)) return PlannedTask{Decision::kReuse, {}};
    while (true) {
      DML_TRY(Verdict verdict, resolver_.Resolve(unit, {states_, results_}));
      if (const auto* hash = std::get_if<MustHash>(&verdict)) {
        DML_TRY([[maybe_unused]] const Digest digest, parts_.files.Get(hash->path));
        continue;
      }
      // A plan asks nobody.
      if (const auto* look = std::get_if<MustLook>(&verdict)) {
        return PlannedTask{Decision::kMaybe, "the files of node " + look->node +
                                                 " are looked at when the run starts"};
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
  Results results_;
};

// What of the units that wait has changed by itself, whatever becomes of their producers: as if
// these left once more what they left last.
class OwnChanges {
 public:
  OwnChanges(const ResolverParts& parts, Results results)
      : parts_(parts),
        resolver_(parts),
        states_(parts.graph.size(), core::TaskState::kReused),
        results_(std::move(results)) {}

  Result<void> AddTo(core::Plan& plan) {
    if (plan.count(Decision::kMaybe) == 0) return {};
    DML_RETURN_IF_ERROR(LoadLastKeys());
    for (const TaskId unit : parts_.graph.order()) {
      PlannedTask& planned = plan.tasks[unit];
      if (!parts_.fusion.leads(unit) || results_[unit]) continue;
      if (planned.decision == Decision::kMaybe) Tell(unit, planned);
      const auto last = last_.find(parts_.pipeline.tasks[unit].name);
      if (last == last_.end()) continue;
      DML_TRY(results_[unit], parts_.store.FindResult(last->second));
    }
    return {};
  }

 private:
  Result<void> LoadLastKeys() {
    constexpr int kRunsMax = 5;
    RunId before{std::numeric_limits<std::int64_t>::max()};
    for (int i = 0; i < kRunsMax && before.value != 0; ++i) {
      DML_TRY(auto older, parts_.store.LastKeys(parts_.pipeline.file, before));
      last_.merge(older.keys);
      before = older.run;
    }
    return {};
  }

  // Nothing that cannot be told without its producers is an error here.
  void Tell(TaskId unit, PlannedTask& planned) {
    for (const TaskId producer : parts_.graph.producers(unit)) {
      if (!results_[producer]) return;
    }
    auto verdict = resolver_.Resolve(unit, {states_, results_});
    while (verdict.ok() && std::holds_alternative<MustHash>(*verdict)) {
      if (!parts_.files.Get(std::get<MustHash>(*verdict).path).ok()) return;
      verdict = resolver_.Resolve(unit, {states_, results_});
    }
    auto* const run = verdict.ok() ? std::get_if<MustRun>(&*verdict) : nullptr;
    if (run == nullptr || run->changes.empty()) return;
    run->changes.insert(run->changes.begin(), planned.reason);
    planned.reason = InOneLine(run->changes);
    planned.changes = std::move(run->changes);
  }

  ResolverParts parts_;
  TaskResolver resolver_;
  IdMap<TaskId, core::TaskState> states_;
  Results results_;
  std::unordered_map<std::string, Digest> last_;
};

}  // namespace

Result<core::Plan> MakePlan(const Home& home, const pipelines::ExpandedPipeline& pipeline,
                            const RunOptions& options, const Clock& clock) {
  DML_TRY(const core::TaskGraph tasks, core::BuildGraph(pipeline));
  DML_TRY(const Selection selection, SelectTasks(pipeline, tasks, options));
  DML_RETURN_IF_ERROR(CheckRange(pipeline, selection, options));
  const core::Fusion fusion = core::Fuse(pipeline, selection.wanted);
  DML_TRY(const core::TaskGraph units, core::BuildUnitGraph(pipeline, fusion));
  const auto mode = home.read_only() ? state::OpenMode::kReadOnly : state::OpenMode::kReadWrite;
  DML_TRY(state::RunStore store, state::RunStore::Open(home.DatabasePath(), mode));
  if (home.shared() && !home.read_only()) {
    DML_RETURN_IF_ERROR(store.Share(home.SharedIndexPath(), /*home=*/""));
  }
  const ArtifactStore artifacts(home);
  FileDigests files(store, clock);
  const NodeFiles node_files;
  const ResolverParts parts{pipeline,  units, fusion,     selection,       store,
                            artifacts, files, node_files, options.no_cache};
  Lookup lookup(parts);
  const auto name = [&](TaskId task) { return pipeline.tasks[task].name; };
  DML_TRY(core::Plan plan, core::MakePlan(
                               units, Initial(parts, lookup.resolver()),
                               [&](TaskId unit) { return lookup(unit); }, name));
  DML_RETURN_IF_ERROR(OwnChanges(parts, lookup.results()).AddTo(plan));
  for (std::size_t i = 0; i < pipeline.tasks.size(); ++i) {
    const TaskId task(i);
    if (!fusion.leads(task)) plan.tasks[task] = plan.tasks[fusion.unit[task]];
  }
  if (home.read_only()) return plan;
  for (const state::FileEntry& file : files.TakeNew()) {
    DML_RETURN_IF_ERROR(store.RememberFile(file.path, file.stamp, file.digest));
  }
  return plan;
}

}  // namespace dml::engine

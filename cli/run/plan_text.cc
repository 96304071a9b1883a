#include "cli/run/plan_text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/clock.h"
#include "base/quantity.h"
#include "cli/cluster/cluster_file.h"
#include "cli/cluster/node_names.h"
#include "cli/run/local_runner.h"
#include "cli/run/resource_check.h"
#include "orchestrator/report/collect.h"
#include "orchestrator/report/text_table.h"

namespace dml::cli {

namespace {

using core::Decision;

constexpr std::size_t kRowsShown = 500;

const char* DecisionName(Decision decision) {
  switch (decision) {
    case Decision::kRun:
      return "run";
    case Decision::kReuse:
      return "reuse";
    case Decision::kMaybe:
      return "maybe";
    case Decision::kSkip:
      return "skip";
  }
  return "run";
}

// The memory that a task has to get along with. Native steps stream within what they are given; a
// command that asks for none has no limit.
struct TaskMemory {
  std::int64_t bytes = 0;  // 0: not known here
  const char* from = "";   // "resources", "share", "node", "none"
};

// `share`: what a native task gets that asks for nothing; 0: its node decides.
TaskMemory MemoryOf(const pipelines::TaskDecl& task, std::int64_t share) {
  if (task.resources.memory_bytes > 0) return {task.resources.memory_bytes, "resources"};
  if (std::holds_alternative<pipelines::CommandWork>(task.work)) return {0, "none"};
  return {share, share > 0 ? "share" : "node"};
}

std::string MemoryText(const TaskMemory& memory) {
  const std::string_view from = memory.from;
  if (from == "none") return "no limit";
  if (from == "node") return "share of a node";
  return FormatSize(memory.bytes) + (from == "resources" ? " asked" : " share");
}

Json PlanJson(const pipelines::ExpandedPipeline& pipeline, const core::Plan& plan,
              std::int64_t share) {
  Json tasks = Json::array();
  for (std::size_t t = 0; t < pipeline.tasks.size(); ++t) {
    const core::PlannedTask& planned = plan.tasks[TaskId(t)];
    const pipelines::TaskDecl& decl = pipeline.tasks[TaskId(t)];
    const TaskMemory memory = MemoryOf(decl, share);
    tasks.push_back(
        {{"name", decl.name},
         {"step", decl.step},
         {"type", report::TypeOf(decl)},
         {"decision", DecisionName(planned.decision)},
         {"memory",
          {{"bytes", memory.bytes > 0 ? Json(memory.bytes) : Json()}, {"from", memory.from}}},
         {"reason", planned.reason},
         {"changes", planned.changes}});
  }
  return {{"pipeline", pipeline.name}, {"tasks", tasks}};
}

// For a line of a table; --explain has all of them.
std::string ReasonText(const core::PlannedTask& planned, bool explain) {
  constexpr std::size_t kShownMax = 3;
  const std::vector<std::string>& changes = planned.changes;
  if (explain && !changes.empty()) return changes.front();
  if (changes.size() <= kShownMax) return planned.reason;
  return fmt::format("{}; and {} more",
                     fmt::join(changes.begin(), changes.begin() + kShownMax, "; "),
                     changes.size() - kShownMax);
}

}  // namespace

Result<ExitCode> PrintPlan(const RunArgs& args, const std::string& home, const Output& output) {
  DML_TRY(const OpenedPipeline opened, OpenPipeline(args.pipeline, output));
  DML_TRY(const BorrowedHome folder, BorrowedHome::Open(home));
  const SystemClock clock;
  const engine::RunOptions options = EngineOptions(args, opened);
  if (!options.cluster.empty()) {
    // What a run would refuse is not planned.
    const Result<ssh::Cluster> cluster = OpenCluster({options.cluster, {}}, output);
    if (!cluster.ok()) return cluster.error();
  }
  DML_RETURN_IF_ERROR(RequireNodes(opened.expanded, options.cluster, output));
  DML_TRY(const core::Plan plan, engine::MakePlan(folder.home(), opened.expanded, options, clock));
  DML_RETURN_IF_ERROR(RequireRoom(folder.home(), opened, options, clock, output));
  const std::int64_t share = args.cluster.empty() ? MemoryShare(TasksAtOnce(args.jobs)) : 0;
  if (output.format() == Format::kJson) {
    output.PrintJson(PlanJson(opened.expanded, plan, share));
    return ExitCode::kDone;
  }
  report::TextTable table({{"task"}, {"plan"}, {"memory"}, {"reason"}});
  const std::size_t total = opened.expanded.tasks.size();
  for (std::size_t t = 0; t < total && (t < kRowsShown || output.verbose()); ++t) {
    const core::PlannedTask& planned = plan.tasks[TaskId(t)];
    const pipelines::TaskDecl& decl = opened.expanded.tasks[TaskId(t)];
    const bool starts = planned.decision == Decision::kRun || planned.decision == Decision::kMaybe;
    table.AddRow({Harmless(decl.name), DecisionName(planned.decision),
                  starts ? MemoryText(MemoryOf(decl, share)) : std::string(),
                  Harmless(ReasonText(planned, args.explain))});
    for (std::size_t i = 1; args.explain && i < planned.changes.size(); ++i) {
      table.AddRow({"", "", "", Harmless(planned.changes[i])});
    }
  }
  if (!output.quiet()) {
    output.Print(table.Render(static_cast<std::size_t>(output.result_width())));
    if (total > kRowsShown && !output.verbose()) {
      output.Note(fmt::format("the first {} of {} tasks; -v shows all", kRowsShown, total));
    }
  }
  output.Print(fmt::format("{} {}: {} to run, {} maybe, {} reused, {} skipped\n", total,
                           total == 1 ? "task" : "tasks", plan.count(Decision::kRun),
                           plan.count(Decision::kMaybe), plan.count(Decision::kReuse),
                           plan.count(Decision::kSkip)));
  return ExitCode::kDone;
}

}  // namespace dml::cli

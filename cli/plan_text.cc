#include "cli/plan_text.h"

#include <fmt/format.h>

#include "base/clock.h"
#include "cli/resource_check.h"
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

Json PlanJson(const pipelines::ExpandedPipeline& pipeline, const core::Plan& plan) {
  Json tasks = Json::array();
  for (std::size_t t = 0; t < pipeline.tasks.size(); ++t) {
    const core::PlannedTask& planned = plan.tasks[TaskId(t)];
    const pipelines::TaskDecl& decl = pipeline.tasks[TaskId(t)];
    tasks.push_back({{"name", decl.name},
                     {"step", decl.step},
                     {"type", report::TypeOf(decl)},
                     {"decision", DecisionName(planned.decision)},
                     {"reason", planned.reason},
                     {"changes", planned.changes}});
  }
  return {{"pipeline", pipeline.name}, {"tasks", tasks}};
}

}  // namespace

Result<ExitCode> PrintPlan(const RunArgs& args, const std::string& home, const Output& output) {
  DML_TRY(const OpenedPipeline opened, OpenPipeline(args.pipeline, output));
  DML_TRY(const BorrowedHome folder, BorrowedHome::Open(home));
  const SystemClock clock;
  const engine::RunOptions options = EngineOptions(args, opened);
  DML_TRY(const core::Plan plan, engine::MakePlan(folder.home(), opened.expanded, options, clock));
  DML_RETURN_IF_ERROR(RequireRoom(folder.home(), opened, options, clock, output));
  if (output.format() == Format::kJson) {
    output.PrintJson(PlanJson(opened.expanded, plan));
    return ExitCode::kDone;
  }
  report::TextTable table({{"task"}, {"plan"}, {"reason"}});
  const std::size_t total = opened.expanded.tasks.size();
  for (std::size_t t = 0; t < total && (t < kRowsShown || output.verbose()); ++t) {
    const core::PlannedTask& planned = plan.tasks[TaskId(t)];
    table.AddRow({Harmless(opened.expanded.tasks[TaskId(t)].name), DecisionName(planned.decision),
                  Harmless(args.explain && !planned.changes.empty() ? planned.changes.front()
                                                                    : planned.reason)});
    for (std::size_t i = 1; args.explain && i < planned.changes.size(); ++i) {
      table.AddRow({"", "", Harmless(planned.changes[i])});
    }
  }
  if (!output.quiet()) {
    output.Print(table.Render(static_cast<std::size_t>(output.result_width())));
    if (total > kRowsShown && !output.verbose()) {
      output.Note(fmt::format("the first {} of {} tasks; -v shows all", kRowsShown, total));
    }
  }
  output.Print(fmt::format("{} tasks: {} to run, {} maybe, {} reused, {} skipped\n", total,
                           plan.count(Decision::kRun), plan.count(Decision::kMaybe),
                           plan.count(Decision::kReuse), plan.count(Decision::kSkip)));
  return ExitCode::kDone;
}

}  // namespace dml::cli

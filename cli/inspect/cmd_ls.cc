#include "cli/inspect/cmd_ls.h"

#include <fmt/format.h>

#include "base/quantity.h"
#include "cli/inspect/runs.h"
#include "orchestrator/report/number_text.h"
#include "orchestrator/report/text_table.h"

namespace dml::cli {

namespace {

using core::TaskState;

struct LsOptions {
  int limit = 20;
  bool names = false;
};

std::size_t CountOf(const state::RunSummary& run, TaskState state) {
  return run.counts[static_cast<std::size_t>(state)];
}

std::size_t TotalOf(const state::RunSummary& run) {
  std::size_t total = 0;
  for (std::size_t count : run.counts) total += count;
  return total;
}

double SecondsOf(const state::RunSummary& run) {
  return run.finished ? static_cast<double>(run.finished->us - run.started.us) * 1e-6 : 0;
}

Json AsJson(const state::RunSummary& run) {
  Json counts = Json::object();
  for (std::size_t s = 0; s < run.counts.size(); ++s) {
    if (run.counts[s] > 0)
      counts[std::string(TaskStateName(static_cast<TaskState>(s)))] = run.counts[s];
  }
  return {{"run", fmt::format("r{}", run.id.value)},
          {"pipeline", run.name},
          {"file", run.file},
          {"outcome", run.outcome},
          {"started", FormatUtc(run.started)},
          {"finished", run.finished ? Json(FormatUtc(*run.finished)) : Json()},
          {"tasks", counts}};
}

Result<ExitCode> RunLs(const LsOptions& options, const std::string& home, const Output& output) {
  DML_TRY(const std::string path, HomePath(home));
  DML_TRY(state::RunView view, state::RunView::Open(path));
  DML_TRY(std::vector<state::RunSummary> runs, view.Runs(options.limit));
  for (state::RunSummary& run : runs) CorrectOutcome(path, run);
  if (output.format() == Format::kJson) {
    Json list = Json::array();
    for (const state::RunSummary& run : runs) list.push_back(AsJson(run));
    output.PrintJson({{"runs", list}});
    return ExitCode::kDone;
  }
  if (options.names) {
    std::string lines;
    for (const state::RunSummary& run : runs) lines += fmt::format("r{}\n", run.id.value);
    output.Print(lines);
    return ExitCode::kDone;
  }
  report::TextTable table({{"run"},
                           {"pipeline"},
                           {"outcome"},
                           {"started"},
                           {"took", report::Align::kRight},
                           {"tasks", report::Align::kRight},
                           {"reused", report::Align::kRight},
                           {"failed", report::Align::kRight}});
  for (const state::RunSummary& run : runs) {
    table.AddRow({fmt::format("r{}", run.id.value), Harmless(run.name), run.outcome,
                  FormatUtc(run.started).substr(0, 19),
                  run.finished ? report::SecondsText(SecondsOf(run)) : "-",
                  std::to_string(TotalOf(run)), std::to_string(CountOf(run, TaskState::kReused)),
                  std::to_string(CountOf(run, TaskState::kFailed))});
  }
  output.Print(table.Render(static_cast<std::size_t>(output.result_width())));
  return ExitCode::kDone;
}

}  // namespace

Action SetupLs(Args& args, CommonOptions& common) {
  auto options = std::make_shared<LsOptions>();
  args.Number("-n,--limit", "N", options->limit, 1, 1'000'000, "the newest N runs (default: 20)");
  args.Flag("--names", options->names, "only the names of the runs, one a line");
  args.Example("dml ls", "the newest runs first");
  return [options, &common](Output& output) { return RunLs(*options, common.home, output); };
}

}  // namespace dml::cli

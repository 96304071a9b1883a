#include "cli/inspect/cmd_status.h"

#include <fmt/format.h>

#include <map>

#include "cli/inspect/runs.h"
#include "orchestrator/report/collect.h"
#include "orchestrator/report/number_text.h"
#include "orchestrator/report/run_json.h"
#include "orchestrator/report/text_table.h"

namespace dml::cli {

namespace {

constexpr std::size_t kRowsShown = 200;

struct StatusOptions {
  std::string run;
  bool all = false;
  bool names = false;
};

Style StyleOf(const std::string& state) {
  if (state == "failed") return Style::kBad;
  if (state == "skipped" || state == "cancelled" || state == "backoff") return Style::kWarn;
  if (state == "running" || state == "launching" || state == "committing") return Style::kAccent;
  if (state == "succeeded") return Style::kGood;
  return Style::kPlain;
}

std::string Counts(const report::RunFacts& run) {
  std::map<std::string, std::size_t> counts;
  for (const report::TaskFacts& task : run.tasks) ++counts[task.state];
  std::string out;
  for (const auto& [state, count] : counts) {
    out += fmt::format("{}{} {}", out.empty() ? "" : ", ", count, state);
  }
  return out;
}

Result<ExitCode> RunStatus(const StatusOptions& options, const std::string& home,
                           const Output& output) {
  DML_TRY(OpenedRun opened, OpenRun(home, options.run));
  DML_TRY(report::RunFacts run,
          report::CollectRun(opened.view, opened.run, nullptr, /*with_panels=*/false));
  report::CountUntil(SystemClock().Wall(), run);
  if (output.format() == Format::kJson) {
    output.PrintJson(report::RunJson(run));
    return ExitCode::kDone;
  }
  if (options.names) {
    std::string lines;
    for (const report::TaskFacts& task : run.tasks) lines += Harmless(task.name) + "\n";
    output.Print(lines);
    return ExitCode::kDone;
  }
  output.Print(fmt::format("{} {}  {}: {}\n", output.ForResult(Style::kBold, run.id),
                           Harmless(run.pipeline), output.ForResult(StyleOf(run.state), run.state),
                           Counts(run)));
  report::TextTable table({{"task"},
                           {"state"},
                           {"time", report::Align::kRight},
                           {"attempts", report::Align::kRight},
                           {"reason"}});
  std::size_t hidden = 0;
  for (const report::TaskFacts& task : run.tasks) {
    const bool dull = task.state == "succeeded" || task.state == "reused";
    if (!options.all && run.tasks.size() > kRowsShown && dull) {
      ++hidden;
      continue;
    }
    const std::string first_line = task.reason.substr(0, task.reason.find('\n'));
    table.AddRow({Harmless(task.name), task.state,
                  task.attempts.empty() ? "-" : report::SecondsText(task.Seconds()),
                  task.attempts.empty() ? "-" : std::to_string(task.attempts.size()),
                  Harmless(first_line)});
  }
  if (!table.empty()) output.Print(table.Render(static_cast<std::size_t>(output.result_width())));
  if (hidden > 0) {
    output.Note(fmt::format("{} succeeded or reused tasks not shown; --all shows them", hidden));
  }
  return ExitCode::kDone;
}

}  // namespace

Action SetupStatus(Args& args, CommonOptions& common) {
  auto options = std::make_shared<StatusOptions>();
  args.Positional("RUN", options->run, /*required=*/false, "r12, or latest (the default)");
  args.Flag("-a,--all", options->all, "show every task of a large run");
  args.Flag("--names", options->names, "only the names of the tasks, one a line");
  args.Example("dml status", "the newest run");
  args.Example("dml status r3 -o json", "run 3 for a program");
  return [options, &common](Output& output) { return RunStatus(*options, common.home, output); };
}

}  // namespace dml::cli

#include "cli/inspect/cmd_metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "cli/inspect/runs.h"
#include "orchestrator/report/chosen_task.h"
#include "orchestrator/report/collect.h"
#include "orchestrator/report/metrics_text.h"

namespace dml::cli {

namespace {

struct MetricsOptions {
  std::vector<std::string> words;  // [RUN] | diff A B
  bool all = false;
};

Result<report::RunFacts> Facts(const std::string& home, const std::string& selector) {
  DML_TRY(OpenedRun opened, OpenRun(home, selector));
  DML_TRY(report::RunFacts run,
          report::CollectRun(opened.view, opened.run, nullptr, /*with_panels=*/false));
  const bool chooses = std::ranges::any_of(
      run.tasks, [](const report::TaskFacts& task) { return task.type == "select.best"; });
  // Which task was chosen, only the pipeline tells; of most runs nobody asks.
  if (chooses) return FactsOf(opened, /*with_panels=*/false);
  return run;
}

// The run of the newest run's pipeline before it. A home may be shared by several pipelines.
Result<std::string> RunBefore(const std::string& home) {
  DML_TRY(OpenedRun newest, OpenRun(home, ""));
  DML_TRY(const std::vector<state::RunSummary> runs,
          newest.view.Runs(std::numeric_limits<int>::max()));
  for (const state::RunSummary& run : runs) {
    if (run.id.value >= newest.run.id.value || run.file != newest.run.file) continue;
    return fmt::format("r{}", run.id.value);
  }
  return Error::Invalid(
      fmt::format("r{} is the only run of '{}'", newest.run.id.value, newest.run.file),
      "name two runs: `dml metrics diff A B`; `dml ls` lists them");
}

Result<ExitCode> RunDiff(const MetricsOptions& options, const std::string& home,
                         const Output& output) {
  if (options.words.size() > 3) return Error::Invalid("'dml metrics diff' compares two runs");
  std::string before = options.words.size() > 1 ? options.words[1] : "";
  const std::string after = options.words.size() > 2 ? options.words[2] : "";
  if (before.empty()) {
    DML_TRY(before, RunBefore(home));
  }
  DML_TRY(const report::RunFacts old_run, Facts(home, before));
  DML_TRY(const report::RunFacts new_run, Facts(home, after));
  if (output.format() == Format::kJson) {
    output.PrintJson(report::DiffJson(old_run, new_run));
  } else {
    output.Print(report::DiffText(old_run, new_run, options.all,
                                  static_cast<std::size_t>(output.result_width())));
  }
  return ExitCode::kDone;
}

Result<ExitCode> RunMetrics(const MetricsOptions& options, const std::string& home,
                            const Output& output) {
  if (!options.words.empty() && options.words[0] == "diff") return RunDiff(options, home, output);
  if (options.words.size() > 1) {
    return Error::Invalid(
        "'dml metrics' shows one run",
        "to compare two: `dml metrics diff " + options.words[0] + " " + options.words[1] + "`");
  }
  DML_TRY(const report::RunFacts run, Facts(home, options.words.empty() ? "" : options.words[0]));
  if (output.format() == Format::kJson) {
    output.PrintJson(report::MetricsJson(run));
    return ExitCode::kDone;
  }
  std::string text = report::MetricsText(run, static_cast<std::size_t>(output.result_width()));
  if (text.empty()) output.Note(run.id + " has no metrics");
  if (const std::string choices = report::ChoicesText(run); !choices.empty()) {
    text += "\n" + Harmless(choices);
  }
  output.Print(text);
  return ExitCode::kDone;
}

}  // namespace

Action SetupMetrics(Args& args, CommonOptions& common) {
  auto options = std::make_shared<MetricsOptions>();
  args.Positionals("RUN | diff [A [B]]", options->words, /*required=*/false,
                   "a run (default: the newest); or diff and two runs (default: the newest and "
                   "the one of the same pipeline before it)");
  args.Flag("-a,--all", options->all, "in a diff: also what did not change");
  args.Example("dml metrics", "what the newest run measured");
  args.Example("dml metrics diff r3 r7", "what changed between two runs");
  args.Example("dml metrics diff", "the newest run against the one of its pipeline before");
  return [options, &common](Output& output) { return RunMetrics(*options, common.home, output); };
}

}  // namespace dml::cli

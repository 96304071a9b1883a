#include "cli/run/run_summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>

#include "orchestrator/report/chosen_task.h"
#include "orchestrator/report/collect.h"
#include "orchestrator/report/metrics_text.h"
#include "orchestrator/report/number_text.h"
#include "orchestrator/report/run_json.h"
#include "orchestrator/state/run_view.h"

namespace dml::cli {

namespace {

using core::TaskState;

constexpr std::size_t kFailuresShown = 5;
constexpr std::size_t kLogLines = 10;
constexpr std::streamoff kTailBytes = 4096;
constexpr std::size_t kTasksForMetrics = 20'000;  // beyond it, `dml metrics` has to be asked

std::string Indented(const std::string& text, const char* indent) {
  std::string out;
  std::size_t start = 0;
  while (start < text.size()) {
    const std::size_t end = std::min(text.find('\n', start), text.size());
    out += fmt::format("{}{}\n", indent, text.substr(start, end - start));
    start = end + 1;
  }
  return out;
}

void PrintFailure(const state::RunView& view, RunId run, const state::TaskView& task,
                  const Output& output) {
  std::string text = fmt::format("\n{} {}", output.ForMessage(Style::kBad, "failed:"),
                                 output.ForMessage(Style::kBold, Harmless(task.name)));
  if (task.attempt.value > 1) text += fmt::format(" after {} attempts", task.attempt.value);
  text += fmt::format("\n{}", Indented(Harmless(task.reason), "  "));
  const std::string log = LastLines(view.LogPath(run, task.name, task.attempt), kLogLines);
  if (!log.empty()) {
    text += fmt::format("{}\n{}", output.ForMessage(Style::kDim, "  the end of its log:"),
                        Indented(Harmless(log), "  | "));
    text += fmt::format("  all of it: dml logs {} --run r{}\n", ShellWord(task.name), run.value);
  }
  output.RawMessage(text);
}

// Gathering a large run takes longer than what there is to say about most.
bool HasVerdicts(const pipelines::ExpandedPipeline& pipeline) {
  return pipeline.tasks.size() <= kTasksForMetrics &&
         std::ranges::any_of(pipeline.tasks, [](const pipelines::TaskDecl& task) {
           return report::IsVerdict(report::TypeOf(task));
         });
}

void PrintVerdicts(const report::RunFacts& run, const Output& output) {
  for (const report::MetricsTable& table : report::MetricsTables(run)) {
    if (!report::IsVerdict(table.type)) continue;
    output.Print(fmt::format(
        "\n{}", report::MetricsTableText(table, static_cast<std::size_t>(output.result_width()))));
  }
  const std::string choices = report::ChoicesText(run);
  if (!choices.empty()) output.Print("\n" + Harmless(choices));
}

std::string CountsLine(const engine::RunResult& result, const Output& output) {
  struct Part {
    TaskState state;
    const char* word;
    Style style;
  };
  static constexpr Part kParts[] = {{TaskState::kSucceeded, "ran", Style::kGood},
                                    {TaskState::kReused, "reused", Style::kPlain},
                                    {TaskState::kFailed, "failed", Style::kBad},
                                    {TaskState::kSkipped, "skipped", Style::kWarn},
                                    {TaskState::kCancelled, "cancelled", Style::kWarn}};
  std::string line;
  for (const Part& part : kParts) {
    const std::size_t count = result.count(part.state);
    if (count == 0) continue;
    if (!line.empty()) line += ", ";
    line += output.ForMessage(part.style, fmt::format("{} {}", count, part.word));
  }
  return line.empty() ? "nothing to do" : line;
}

// What to say when nothing had to run and nothing failed.
std::string ClosingOfNoWork(const engine::RunResult& result) {
  if (result.count(TaskState::kSkipped) == 0) {
    return "everything is up to date: all results were reused";
  }
  return result.count(TaskState::kReused) == 0 ? "no task ran: the `if:` of every one was false"
                                               : "everything else is up to date: no task ran";
}

void PrintClosing(const engine::Home& home, const engine::RunResult& result, const Output& output) {
  const bool all_reused =
      result.count(TaskState::kSucceeded) == 0 && result.outcome == state::RunOutcome::kSucceeded;
  output.Note(
      fmt::format("\nr{} {} in {}: {}", result.run.value, state::RunOutcomeName(result.outcome),
                  report::SecondsText(result.elapsed.seconds()), CountsLine(result, output)));
  if (all_reused) output.Note(ClosingOfNoWork(result));
  if (result.outcome == state::RunOutcome::kSucceeded) {
    output.Note(fmt::format("results: {}   report: dml report r{}", home.path(), result.run.value));
  } else {
    const bool failed = result.outcome == state::RunOutcome::kFailed;
    output.Note(fmt::format("finished work is kept: `dml {}` continues where this run stopped",
                            failed ? "run" : "resume"));
  }
}

}  // namespace

std::string LastLines(const std::string& path, std::size_t lines_max) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) return {};
  const std::streamoff size = file.tellg();
  file.seekg(std::max<std::streamoff>(0, size - kTailBytes));
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  while (!text.empty() && text.back() == '\n') text.pop_back();
  std::size_t start = text.size();
  for (std::size_t lines = 0; lines < lines_max && start != std::string::npos && start > 0;
       ++lines) {
    start = text.rfind('\n', start - 1);
  }
  return start == std::string::npos || start == 0 ? text : text.substr(start + 1);
}

Result<void> PrintSummary(const engine::Home& home, const pipelines::ExpandedPipeline& pipeline,
                          const engine::RunResult& result, const Output& output) {
  DML_TRY(state::RunView view, state::RunView::Open(home.path()));
  DML_TRY(const state::RunSummary run, view.Find(std::to_string(result.run.value)));
  if (output.format() == Format::kJson) {
    DML_TRY(const report::RunFacts facts, report::CollectRun(view, run, &pipeline, false));
    output.PrintJson(report::RunJson(facts));
    return {};
  }
  if (result.count(TaskState::kFailed) > 0) {
    DML_TRY(const std::vector<state::TaskView> tasks, view.Tasks(result.run));
    std::size_t shown = 0;
    for (const state::TaskView& task : tasks) {
      if (task.state != TaskState::kFailed || shown++ >= kFailuresShown) continue;
      PrintFailure(view, result.run, task, output);
    }
    if (shown > kFailuresShown) {
      const std::size_t more = shown - kFailuresShown;
      output.RawMessage(fmt::format("\nand {} more failed {}: dml status r{}\n", more,
                                    more == 1 ? "task" : "tasks", result.run.value));
    }
  }
  if (HasVerdicts(pipeline)) {
    DML_TRY(const report::RunFacts facts, report::CollectRun(view, run, &pipeline, false));
    PrintVerdicts(facts, output);
  }
  PrintClosing(home, result, output);
  return {};
}

}  // namespace dml::cli

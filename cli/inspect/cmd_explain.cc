#include "cli/inspect/cmd_explain.h"

#include <fmt/format.h>

#include "base/quantity.h"
#include "cli/inspect/runs.h"
#include "cli/inspect/waiting.h"
#include "orchestrator/core/fingerprint.h"
#include "orchestrator/report/number_text.h"
#include "runners/ssh/placement_notes.h"

namespace dml::cli {

namespace {

struct ExplainOptions {
  std::string task;
  std::string run;
};

using Went = std::map<std::uint32_t, std::string>;

// On a cluster; empty here.
std::string WhereOf(const Went& went, const state::AttemptView& attempt) {
  const auto found = went.find(attempt.number.value);
  return found == went.end() ? "" : found->second;
}

Json AttemptsJson(const state::TaskView& task, const Went& went) {
  Json attempts = Json::array();
  for (const state::AttemptView& attempt : task.attempts) {
    attempts.push_back({{"number", attempt.number.value},
                        {"launched", FormatUtc(attempt.launched)},
                        {"ended", attempt.ended ? Json(FormatUtc(*attempt.ended)) : Json()},
                        {"ended_as", core::TaskStateName(attempt.ended_as)},
                        {"reason", attempt.reason},
                        {"where", WhereOf(went, attempt)}});
  }
  return attempts;
}

std::string AttemptsText(const state::TaskView& task, const Went& went) {
  std::string out;
  for (const state::AttemptView& attempt : task.attempts) {
    if (const std::string where = WhereOf(went, attempt); !where.empty()) {
      out += fmt::format("  attempt {} went {}\n", attempt.number.value, Harmless(where));
    }
    out += fmt::format("  attempt {}  {}", attempt.number.value,
                       core::TaskStateName(attempt.ended_as));
    if (attempt.ended) {
      const auto us = attempt.ended->us - attempt.launched.us;
      out += " after " + report::SecondsText(static_cast<double>(us) * 1e-6);
    }
    if (!attempt.reason.empty()) out += "  " + Harmless(attempt.reason);
    out += '\n';
  }
  return out;
}

// Why it is in its state; for one that ran to its end, why it ran at all.
std::string WhyOf(const state::TaskView& task) {
  if (!task.reason.empty() || task.attempts.empty()) return task.reason;
  return task.attempts.back().why;
}

Result<ExitCode> RunExplain(const ExplainOptions& options, const std::string& home,
                            const Output& output) {
  DML_TRY(OpenedRun opened, OpenRun(home, options.run));
  DML_TRY(const std::vector<state::TaskView> tasks, opened.view.Tasks(opened.run.id));
  DML_TRY(const state::TaskView task, FindTask(tasks, options.task));
  const std::string state(core::TaskStateName(task.state));
  DML_TRY(const std::string folder, HomePath(home));
  const Went went = ssh::ReadWent(folder, opened.run.id, task.id);
  const std::string wait = WhyItWaits(folder, opened.run, tasks, task);
  const Json fields = task.result ? core::ParseKeyFields(task.result->fields) : Json();
  if (output.format() == Format::kJson) {
    output.PrintJson({{"run", fmt::format("r{}", opened.run.id.value)},
                      {"task", task.name},
                      {"state", state},
                      {"reason", WhyOf(task)},
                      {"waits", wait},
                      {"attempts", AttemptsJson(task, went)},
                      {"key", task.result ? Json(task.result->key.Hex()) : Json()},
                      {"key_fields", fields}});
    return ExitCode::kDone;
  }
  std::string out = fmt::format("{} in r{}: {}\n", output.ForResult(Style::kBold, task.name),
                                opened.run.id.value, state);
  if (const std::string why = WhyOf(task); !why.empty() && why != wait) {
    out += fmt::format("  why: {}\n", Harmless(why));
  }
  if (!wait.empty()) {
    out += fmt::format("  {}{}\n", wait.starts_with("waits ") ? "" : "waits: ", Harmless(wait));
  }
  out += AttemptsText(task, went);
  if (task.result) {
    out += fmt::format("  key: {}, made of\n", task.result->key.Short());
    for (const auto& [name, value] : fields.items()) {
      if (name == "seen") continue;  // names of files do not count
      out += fmt::format("    {:<16} {}\n", name, Harmless(report::CellText(value)));
    }
    for (const Artifact& artifact : task.result->outputs) {
      std::int64_t bytes = 0;
      for (const ArtifactFile& file : artifact.files) bytes += file.size;
      out += fmt::format("  output {}: {} files, {}\n", artifact.port, artifact.files.size(),
                         FormatSize(bytes));
    }
  }
  output.Print(out);
  return ExitCode::kDone;
}

}  // namespace

Action SetupExplain(Args& args, CommonOptions& common) {
  auto options = std::make_shared<ExplainOptions>();
  args.Positional("TASK", options->task, /*required=*/true, "a task such as model@C=0.1");
  args.Value("-r,--run", "RUN", options->run, "r12, or latest (the default)");
  args.Example("dml explain model@C=0.1", "why it ran or waits, its attempts, and its cache key");
  return [options, &common](Output& output) { return RunExplain(*options, common.home, output); };
}

}  // namespace dml::cli

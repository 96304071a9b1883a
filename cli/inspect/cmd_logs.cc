#include "cli/inspect/cmd_logs.h"

#include <fmt/format.h>
#include <unistd.h>

#include <optional>

#include "base/files.h"
#include "cli/inspect/follow_log.h"
#include "cli/inspect/runs.h"

namespace dml::cli {

namespace {

constexpr int kRunsSearched = 100;

struct LogsOptions {
  std::string task;
  std::string run;
  int attempt = 0;
  bool follow = false;
};

// A reused task has its log in the run that made the result.
Result<LogOwner> FindOwner(OpenedRun& opened, state::TaskView task) {
  if (task.attempt.value > 0) return LogOwner{opened.run.id, std::move(task)};
  DML_TRY(const std::vector<state::RunSummary> runs, opened.view.Runs(kRunsSearched));
  for (const state::RunSummary& run : runs) {
    if (run.id >= opened.run.id || !task.result) continue;
    DML_TRY(std::vector<state::TaskView> tasks, opened.view.Tasks(run.id));
    for (state::TaskView& other : tasks) {
      const bool made_it =
          other.attempt.value > 0 && other.result && other.result->key == task.result->key;
      if (made_it) return LogOwner{run.id, std::move(other)};
    }
  }
  return DidNotRun(opened.run.id, task.name, task.reason);
}

// Bytes that are no UTF-8 are replaced.
Result<void> PrintLogAsJson(const std::string& path, const LogOwner& owner, AttemptNumber attempt,
                            const Output& output) {
  std::string text;
  if (::access(path.c_str(), F_OK) == 0) {
    DML_TRY(text, ReadFile(path));
  }
  output.PrintJson({{"run", fmt::format("r{}", owner.run.value)},
                    {"task", owner.task.name},
                    {"attempt", attempt.value},
                    {"log", text}});
  return {};
}

ExitCode Done(bool any, const LogOwner& owner, const Output& output) {
  if (!any) output.Note(fmt::format("'{}' wrote nothing", owner.task.name));
  return ExitCode::kDone;
}

Result<ExitCode> RunLogs(const LogsOptions& options, const std::string& home,
                         const Output& output) {
  DML_TRY(OpenedRun opened, OpenRun(home, options.run));
  DML_TRY(const std::vector<state::TaskView> tasks, opened.view.Tasks(opened.run.id));
  DML_TRY(state::TaskView wanted, FindTask(tasks, options.task));
  const bool json = output.format() == Format::kJson;
  if (json && options.follow) {
    return Error::Invalid("what is followed is no JSON document", "leave out -f or -o json");
  }
  std::optional<AttemptNumber> only;
  if (options.attempt > 0) only = AttemptNumber{static_cast<std::uint32_t>(options.attempt)};
  if (options.follow && !core::IsFinal(wanted.state)) {
    const LogOwner owner{opened.run.id, std::move(wanted)};
    DML_TRY(const std::string path, HomePath(home));
    DML_TRY(const bool any, FollowLog(opened.view, owner, only, path, output));
    return Done(any, owner, output);
  }
  DML_TRY(const LogOwner owner, FindOwner(opened, std::move(wanted)));
  const AttemptNumber attempt = only.value_or(owner.task.attempt);
  if (const std::uint32_t had = owner.task.attempt.value; attempt.value > had) {
    return Error::Invalid(fmt::format("'{}' has no attempt {} in r{}", owner.task.name,
                                      attempt.value, owner.run.value),
                          had == 1 ? "it has had one" : fmt::format("it has had {}", had));
  }
  const std::string path = opened.view.LogPath(owner.run, owner.task.name, attempt);
  if (json) {
    DML_RETURN_IF_ERROR(PrintLogAsJson(path, owner, attempt, output));
    return ExitCode::kDone;
  }
  DML_TRY(const bool any, CopyLog(path, output));
  return Done(any, owner, output);
}

}  // namespace

Action SetupLogs(Args& args, CommonOptions& common) {
  auto options = std::make_shared<LogsOptions>();
  args.Positional("TASK", options->task, /*required=*/true, "a task such as model@C=0.1");
  args.Value("-r,--run", "RUN", options->run, "r12, or latest (the default)");
  args.Number("--attempt", "N", options->attempt, 1, 1'000'000,
              "only this attempt, which may be an earlier one");
  args.Flag("-f,--follow", options->follow, "go on printing until the task ends");
  args.Example("dml logs model@C=0.1", "what the task wrote in the newest run");
  args.Example("dml logs train -f", "follow a running task");
  return [options, &common](Output& output) { return RunLogs(*options, common.home, output); };
}

}  // namespace dml::cli

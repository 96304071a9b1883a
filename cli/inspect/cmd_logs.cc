#include "cli/inspect/cmd_logs.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/file_descriptor.h"
#include "base/files.h"
#include "cli/inspect/runs.h"
#include "orchestrator/engine/run_owner.h"

namespace dml::cli {

namespace {

constexpr int kPollMs = 200;
constexpr int kRunsSearched = 100;

struct LogsOptions {
  std::string task;
  std::string run;
  int attempt = 0;
  bool follow = false;
};

// Copies what is readable now to stdout, and says how much; logs are bytes of the user's programs
// and are passed on as they are.
Result<std::int64_t> CopyAvailable(int fd, const std::string& path, const Output& output) {
  std::array<char, 65536> buffer{};
  std::int64_t copied = 0;
  for (;;) {
    const ssize_t got = ::read(fd, buffer.data(), buffer.size());
    if (got == 0) return copied;
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Error::System("cannot read '" + path + "'", errno);
    output.Print({buffer.data(), static_cast<std::size_t>(got)});
    copied += got;
  }
}

// Which run and attempt a task's log is of.
struct LogOwner {
  RunId run;
  state::TaskView task;
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
  return Error::Invalid(
      fmt::format("'{}' did not run in r{}: {}", task.name, opened.run.id.value, task.reason),
      "name a run in which it did: `dml logs TASK --run r1`");
}

// Whether more may come: not of a task that has ended, nor of one whose run is dead.
bool GoesOn(const std::string& home, RunId run, const state::TaskView& task) {
  return !core::IsFinal(task.state) && engine::OwnerOfRun(home, run).has_value();
}

// Copies the log of an attempt, with `follow` until the attempt has ended. False if it is empty.
Result<bool> CopyLog(OpenedRun& opened, const LogOwner& owner, AttemptNumber attempt, bool follow,
                     const std::string& home, const Output& output) {
  const std::string path = opened.view.LogPath(owner.run, owner.task.name, attempt);
  state::TaskView task = owner.task;
  FileDescriptor file;
  bool any = false;
  while (true) {
    // Looked up before the copy: what was written before the end is copied after it.
    const bool goes_on = follow && task.attempt == attempt && GoesOn(home, owner.run, task);
    if (file.get() < 0) file = FileDescriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (file.get() < 0 && errno != ENOENT)
      return Error::System("cannot open '" + path + "'", errno);
    if (file.get() >= 0) {
      DML_TRY(const std::int64_t copied, CopyAvailable(file.get(), path, output));
      any |= copied > 0;
    }
    if (!goes_on) break;
    ::poll(nullptr, 0, kPollMs);
    DML_TRY(const std::vector<state::TaskView> now, opened.view.Tasks(owner.run));
    DML_TRY(task, FindTask(now, task.name));
  }
  return any;
}

// Bytes that are no UTF-8 are replaced.
Result<void> PrintLogAsJson(const OpenedRun& opened, const LogOwner& owner, AttemptNumber attempt,
                            const Output& output) {
  const std::string path = opened.view.LogPath(owner.run, owner.task.name, attempt);
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

Result<ExitCode> RunLogs(const LogsOptions& options, const std::string& home,
                         const Output& output) {
  DML_TRY(OpenedRun opened, OpenRun(home, options.run));
  DML_TRY(const std::vector<state::TaskView> tasks, opened.view.Tasks(opened.run.id));
  DML_TRY(state::TaskView wanted, FindTask(tasks, options.task));
  DML_TRY(const LogOwner owner, FindOwner(opened, std::move(wanted)));
  const AttemptNumber attempt{options.attempt > 0 ? static_cast<std::uint32_t>(options.attempt)
                                                  : owner.task.attempt.value};
  if (output.format() == Format::kJson) {
    if (options.follow) {
      return Error::Invalid("what is followed is no JSON document", "leave out -f or -o json");
    }
    DML_RETURN_IF_ERROR(PrintLogAsJson(opened, owner, attempt, output));
    return ExitCode::kDone;
  }
  DML_TRY(const std::string path, HomePath(home));
  DML_TRY(const bool any, CopyLog(opened, owner, attempt, options.follow, path, output));
  if (!any) output.Note(fmt::format("'{}' wrote nothing", owner.task.name));
  return ExitCode::kDone;
}

}  // namespace

Action SetupLogs(Args& args, CommonOptions& common) {
  auto options = std::make_shared<LogsOptions>();
  args.Positional("TASK", options->task, /*required=*/true, "a task such as model@C=0.1");
  args.Value("-r,--run", "RUN", options->run, "r12, or latest (the default)");
  args.Number("--attempt", "N", options->attempt, 1, 1'000'000, "an earlier attempt");
  args.Flag("-f,--follow", options->follow, "go on printing until the task ends");
  args.Example("dml logs model@C=0.1", "what the task wrote in the newest run");
  args.Example("dml logs train -f", "follow a running task");
  return [options, &common](Output& output) { return RunLogs(*options, common.home, output); };
}

}  // namespace dml::cli

#include "runners/agent/spawn.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <map>
#include <string_view>

#include "runners/agent/command_files.h"
#include "runners/agent/start_failure.h"
#include "runners/agent/start_program.h"

extern "C" char** environ;  // NOLINT(readability-redundant-declaration): POSIX names no header

namespace dml::agent {

namespace {

// Of a command line that cannot be: what shells answer.
constexpr int kUsage = 2;

// This process's environment with `extra` on top.
std::vector<std::string> Environment(const std::map<std::string, std::string>& extra) {
  std::vector<std::string> env;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    if (!extra.contains(std::string(text.substr(0, text.find('='))))) env.emplace_back(text);
  }
  for (const auto& [name, value] : extra) env.push_back(name + "=" + value);
  return env;
}

Error CannotStart(const std::string& action, int code) {
  Error error = Error::System(action, code);
  if (code == EMFILE) error.hint = "this process may open too few files: see `ulimit -Hn`";
  if (code == ENFILE) error.hint = "all processes together have too many files open";
  return error;
}

}  // namespace

SpawnedCommand SpawnCommand(const runners::LaunchSpec& spec, const LogStandIn& log) {
  const auto& command = std::get<runners::Command>(spec.work);
  if (auto checked = CheckTexts(command.argv, spec.env); !checked.ok()) {
    return runners::ExitFailure{std::move(checked).error(), kUsage};
  }
  ProgramStart start;
  start.argv = command.argv;
  auto extra = spec.env;
  if (!spec.checkpoint_dir.empty()) extra.try_emplace("DML_CHECKPOINT_DIR", spec.checkpoint_dir);
  start.env = Environment(extra);
  if (!spec.log_path.empty()) start.output = log.path.empty() ? spec.log_path : log.path;
  start.output_fd = log.fd;
  start.errors_to_output = true;
  start.directory = UsesWorkFolder(command) ? command.work_dir : command.pipeline_dir;
  start.memory_max = spec.memory_bytes;
  int pid = 0;
  const int status = StartProgram(start, &pid);
  if (status != 0) {
    return WhyNotStarted(command, log.path.empty() ? start.output : spec.log_path, status);
  }
  return pid;
}

Result<SpawnedWorker> SpawnWorker(const std::vector<std::string>& argv,
                                  const std::map<std::string, std::string>& env) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    return CannotStart("cannot connect to a worker", errno);
  }
  ProgramStart start;
  start.argv = argv;
  start.env = Environment(env);
  start.session = true;
  // dup2 to itself would keep close-on-exec, so go through a number that is surely another one.
  const int high = ::fcntl(ends[1], F_DUPFD_CLOEXEC, kWorkerFd + 1);
  start.inherited_fd = high;
  start.inherited_as = kWorkerFd;
  int pid = 0;
  const int status = high < 0 ? errno : StartProgram(start, &pid);
  ::close(ends[1]);
  if (high >= 0) ::close(high);
  if (status != 0) {
    ::close(ends[0]);
    return CannotStart("cannot start a worker '" + argv[0] + "'", status);
  }
  return SpawnedWorker{pid, ends[0]};
}

}  // namespace dml::agent

#include "cli/worker/cmd_keep.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/open_files.h"
#include "runners/agent/strays.h"

namespace dml::cli {

namespace {

// What a shell says of a command that it cannot start.
constexpr int kNotFound = 127;
// How the kernel tells of the death of the parent.
constexpr int kOrphaned = SIGUSR1;

struct KeepOptions {
  int parent = 0;
  std::vector<std::string> command;
};

// In the new process; one thread was copied, and nothing here needs another.
[[noreturn]] void Become(const std::vector<std::string>& command, pid_t keeper) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != keeper) ::_exit(kNotFound);
  for (int number = 1; number < NSIG; ++number) ::signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  RestoreOpenFiles(0);
  // exec() takes char* for historical reasons and does not write through it.
  std::vector<char*> argv;
  for (const std::string& word : command) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  ::execvp(argv[0], argv.data());
  const int code = errno;
  std::fprintf(stderr, "cannot start '%s': %s%s\n", argv[0], std::strerror(code),
               code == ENOENT ? "; install it, or write its path" : "");
  ::_exit(kNotFound);
}

// The exit code of the command, once it has ended; nothing while it runs. Buries whatever else has
// ended and came here.
std::optional<int> Bury(pid_t command) {
  std::optional<int> code;
  int status = 0;
  for (pid_t pid = 0; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) {
    if (pid == command) code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  }
  return code;
}

ExitCode Keep(const KeepOptions& options) {
  agent::AdoptStrays();
  // Signals to the group are for the command: whether it ends of them is its own business.
  sigset_t all;
  sigfillset(&all);
  ::sigprocmask(SIG_SETMASK, &all, nullptr);
  ::prctl(PR_SET_PDEATHSIG, kOrphaned);
  if (::getppid() != options.parent) return static_cast<ExitCode>(kNotFound);
  const pid_t self = ::getpid();
  const pid_t command = ::fork();
  if (command == 0) Become(options.command, self);
  if (command < 0) {
    std::fprintf(stderr, "cannot start '%s': %s\n", options.command[0].c_str(),
                 std::strerror(errno));
    return static_cast<ExitCode>(kNotFound);
  }
  sigset_t awaited;
  sigemptyset(&awaited);
  sigaddset(&awaited, SIGCHLD);
  sigaddset(&awaited, kOrphaned);
  while (true) {
    if (const auto code = Bury(command)) return static_cast<ExitCode>(*code);
    int number = 0;
    if (::sigwait(&awaited, &number) != 0 || number != kOrphaned) continue;
    if (::getppid() == options.parent) continue;  // somebody else's idea
    agent::EndStrays([](int) { return true; });
    return static_cast<ExitCode>(128 + SIGKILL);
  }
}

}  // namespace

Action SetupKeep(Args& args, CommonOptions&) {
  const auto options = std::make_shared<KeepOptions>();
  args.Number("--parent", "PID", options->parent, 1, 2'000'000'000, "who started it");
  args.Positionals("COMMAND", options->command, /*required=*/true, "what it runs");
  args.Describe("Started by dml itself for the hooks of `on:`.");
  return [options](Output&) -> Result<ExitCode> { return Keep(*options); };
}

}  // namespace dml::cli

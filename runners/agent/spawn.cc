#include "runners/agent/spawn.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <map>
#include <string_view>

#include "runners/agent/start_failure.h"

extern "C" char** environ;  // NOLINT(readability-redundant-declaration): POSIX names no header

namespace dml::agent {

namespace {

// Of a command line that cannot be: what shells answer.
constexpr int kUsage = 2;

// Attributes and file actions of one posix_spawn, destroyed together.
class SpawnPlan {
 public:
  explicit SpawnPlan(short extra_flags) {
    posix_spawnattr_init(&attributes_);
    posix_spawn_file_actions_init(&actions_);
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    posix_spawnattr_setflags(&attributes_, static_cast<short>(POSIX_SPAWN_SETSIGMASK |
                                                              POSIX_SPAWN_SETSIGDEF | extra_flags));
    posix_spawn_file_actions_addopen(&actions_, 0, "/dev/null", O_RDONLY, 0);
  }
  ~SpawnPlan() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;

  posix_spawn_file_actions_t* actions() { return &actions_; }

  // Returns errno, 0 on success.
  int Start(const std::vector<std::string>& argv, const std::vector<std::string>& env, int* pid) {
    std::vector<char*> arguments = Pointers(argv);
    std::vector<char*> variables = Pointers(env);
    pid_t child = 0;
    const int status = posix_spawnp(&child, arguments[0], &actions_, &attributes_, arguments.data(),
                                    variables.data());
    *pid = child;
    return status;
  }

 private:
  // exec() takes char* for historical reasons and does not write through it.
  static std::vector<char*> Pointers(const std::vector<std::string>& texts) {
    std::vector<char*> pointers;
    for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
    pointers.push_back(nullptr);
    return pointers;
  }

  posix_spawnattr_t attributes_{};
  posix_spawn_file_actions_t actions_{};
};

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

}  // namespace

SpawnedCommand SpawnCommand(const runners::LaunchSpec& spec, int output_fd) {
  const auto& command = std::get<runners::Command>(spec.work);
  if (auto checked = CheckTexts(command.argv, spec.env); !checked.ok()) {
    return runners::ExitFailure{std::move(checked).error(), kUsage};
  }
  SpawnPlan plan(POSIX_SPAWN_SETPGROUP);
  const std::string log = spec.log_path.empty() ? "/dev/null" : spec.log_path;
  if (output_fd >= 0) {
    posix_spawn_file_actions_adddup2(plan.actions(), output_fd, 1);
  } else {
    posix_spawn_file_actions_addopen(plan.actions(), 1, log.c_str(), O_WRONLY | O_CREAT | O_APPEND,
                                     0644);
  }
  posix_spawn_file_actions_adddup2(plan.actions(), 1, 2);
  const bool private_folder =
      command.own_folder || !command.inputs.empty() || !command.outputs.empty();
  if (private_folder) {
    posix_spawn_file_actions_addchdir_np(plan.actions(), command.work_dir.c_str());
  }
  int pid = 0;
  const int status = plan.Start(command.argv, Environment(spec.env), &pid);
  if (status != 0) return WhyNotStarted(command, log, status);
  if (spec.memory_bytes > 0) {
    const rlimit limit{static_cast<rlim_t>(spec.memory_bytes),
                       static_cast<rlim_t>(spec.memory_bytes)};
    ::prlimit(pid, RLIMIT_DATA, &limit, nullptr);
  }
  return pid;
}

Result<SpawnedWorker> SpawnWorker(const std::vector<std::string>& argv,
                                  const std::map<std::string, std::string>& env) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    return Error::System("cannot connect to a worker", errno);
  }
  SpawnPlan plan(POSIX_SPAWN_SETSID);
  posix_spawn_file_actions_addopen(plan.actions(), 1, "/dev/null", O_WRONLY, 0);
  // dup2 to itself would keep close-on-exec, so go through a number that is surely another one.
  const int high = ::fcntl(ends[1], F_DUPFD_CLOEXEC, 100);
  posix_spawn_file_actions_adddup2(plan.actions(), high, kWorkerFd);
  int pid = 0;
  const int status = plan.Start(argv, Environment(env), &pid);
  ::close(ends[1]);
  ::close(high);
  if (status != 0) {
    ::close(ends[0]);
    return Error::System("cannot start a worker '" + argv[0] + "'", status);
  }
  return SpawnedWorker{pid, ends[0]};
}

}  // namespace dml::agent

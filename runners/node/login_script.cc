#include "runners/node/login_script.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "base/files.h"
#include "runners/agent/start_program.h"

extern "C" char** environ;  // NOLINT(readability-redundant-declaration): POSIX names no header

namespace dml::node {

namespace {

constexpr std::size_t kQuotedMax = 300;
// Of one environment: far beyond what a program could be started with.
constexpr std::size_t kEnvironmentMax = 4U << 20;

// What every shell sets for itself, and what carries this file's own words.
bool IsNoise(const std::string& name) {
  static const std::set<std::string> kNames{"_", "SHLVL", "PWD", "OLDPWD"};
  return kNames.contains(name) || name.starts_with("DML_LOGIN_");
}

// The shell of the account if it speaks the language of sh, else sh.
std::string LoginShell() {
  static const std::set<std::string> kKnown{"sh", "bash", "dash", "zsh", "ksh", "ash", "mksh"};
  const passwd* entry = ::getpwuid(::geteuid());
  const std::string shell = entry == nullptr ? "" : entry->pw_shell;
  const bool known = kKnown.contains(shell.substr(shell.rfind('/') + 1));
  return known && ::access(shell.c_str(), X_OK) == 0 ? shell : "/bin/sh";
}

Variables Own(const Variables& extra) {
  Variables own = extra;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::size_t equals = text.find('=');
    if (equals != text.npos) own.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return own;
}

std::string LastWords(const std::string& path) {
  const auto text = ReadFileUpTo(path, 1 << 16);
  if (!text.ok() || text->empty()) return "";
  std::string last = text->size() > kQuotedMax ? text->substr(text->size() - kQuotedMax) : *text;
  last.erase(last.find_last_not_of(" \r\n") + 1);
  return last.empty() ? "" : ": " + last;
}

Error Failed(const std::string& how, const std::string& folder) {
  return Error::Environment(
      "env_init " + how + LastWords(folder + "/login.log"),
      "it runs in the login shell there, which may be sh rather than bash; try it by hand");
}

}  // namespace

Variables ChangedFrom(const Variables& before, std::string_view printed) {
  Variables changed;
  while (!printed.empty()) {
    const std::string_view entry = printed.substr(0, printed.find('\0'));
    printed.remove_prefix(std::min(entry.size() + 1, printed.size()));
    const std::size_t equals = entry.find('=');
    if (equals == 0 || equals == entry.npos) continue;
    std::string name(entry.substr(0, equals));
    const std::string_view value = entry.substr(equals + 1);
    const auto old = before.find(name);
    const bool known = old != before.end() && old->second == value;
    if (!known && !IsNoise(name)) changed[std::move(name)] = value;
  }
  return changed;
}

Result<LoginScript> LoginScript::Start(const std::string& folder, const std::string& program,
                                       const Variables& env, const std::string& script) {
  for (const char* name : {"/login.log", "/login.env"}) ::unlink((folder + name).c_str());
  Variables all = env;
  all["DML_LOGIN_PROGRAM"] = program;
  all["DML_LOGIN_ROOT"] = folder;
  all["DML_LOGIN_ENV"] = folder + "/login.env";
  agent::ProgramStart start;
  start.argv = {LoginShell(), "-l", "-c",
                script +
                    "\ntest $? -eq 0 && exec \"$DML_LOGIN_PROGRAM\" env --root \"$DML_LOGIN_ROOT\" "
                    "> \"$DML_LOGIN_ENV\"\n"};
  for (const auto& [name, value] : Own(all)) start.env.push_back(name + "=" + value);
  start.output = folder + "/login.log";
  start.errors_to_output = true;
  LoginScript login;
  login.folder_ = folder;
  const int status = agent::StartProgram(start, &login.pid_);
  if (status != 0) return Error::System("cannot start '" + start.argv[0] + "'", status);
  login.pidfd_ = static_cast<int>(::syscall(SYS_pidfd_open, login.pid_, 0));
  login.deadline_ = SystemClock().Now() + kLoginScriptMax;
  return login;
}

LoginScript::LoginScript(LoginScript&& other) noexcept
    : folder_(std::move(other.folder_)),
      pid_(std::exchange(other.pid_, 0)),
      pidfd_(std::exchange(other.pidfd_, -1)),
      deadline_(other.deadline_) {}

LoginScript& LoginScript::operator=(LoginScript&& other) noexcept {
  std::swap(folder_, other.folder_);
  std::swap(pid_, other.pid_);
  std::swap(pidfd_, other.pidfd_);
  std::swap(deadline_, other.deadline_);
  return *this;
}

LoginScript::~LoginScript() { End(); }

void LoginScript::End() {
  if (pidfd_ >= 0) ::close(std::exchange(pidfd_, -1));
  if (pid_ <= 0) return;
  ::kill(-pid_, SIGKILL);
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
  pid_ = 0;
}

std::optional<Result<Variables>> LoginScript::Look(Instant now) {
  int status = 0;
  const pid_t ended = pid_ > 0 ? ::waitpid(pid_, &status, WNOHANG) : 0;
  if (ended == 0 && now < deadline_) return std::nullopt;
  if (ended == pid_) pid_ = 0;
  End();
  if (ended == 0) return Failed("did not end within a minute", folder_);
  const auto text = ReadFileUpTo(folder_ + "/login.env", kEnvironmentMax);
  const bool fine = WIFEXITED(status) && WEXITSTATUS(status) == 0;
  if (!fine || !text.ok() || text->empty()) {
    const std::string how =
        fine ? "ended the shell"
             : fmt::format("failed with exit code {}",
                           WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
    return Failed(how, folder_);
  }
  Variables changed = ChangedFrom(Own({}), *text);
  for (const char* name : {"/login.log", "/login.env"}) ::unlink((folder_ + name).c_str());
  return changed;
}

}  // namespace dml::node

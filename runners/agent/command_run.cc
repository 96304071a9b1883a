#include "runners/agent/command_run.h"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <optional>

#include "base/check.h"
#include "base/clock.h"
#include "runners/agent/command_files.h"
#include "runners/agent/command_outputs.h"
#include "runners/agent/out_of_memory.h"
#include "runners/agent/redacted_log.h"
#include "runners/agent/spawn.h"
#include "runners/agent/strays.h"

namespace dml::agent {

namespace {

using runners::ExitFailure;
using runners::ExitKilled;
using runners::ExitSignal;
using runners::ExitSuccess;
using runners::ExitTimeout;

constexpr int kTerminateWanted = 1;
constexpr int kKillWanted = 2;
constexpr Duration kLogCheckInterval = Duration::Seconds(1);
// How often to look for the end of a process that cannot be polled.
constexpr Duration kBlindInterval = Duration::Millis(20);

// -1 if this process has no descriptor to spare.
int OpenPidfd(int pid) { return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)); }

// It can be waited for, and stays so.
bool HasEnded(int pid) {
  siginfo_t info{};
  const auto id = static_cast<id_t>(pid);
  return ::waitid(P_PID, id, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == pid;
}

Duration ToDuration(const timeval& time) {
  return {static_cast<std::int64_t>(time.tv_sec) * 1'000'000'000 +
          static_cast<std::int64_t>(time.tv_usec) * 1000};
}

runners::ExitReason ReasonOf(int status) {
  if (WIFSIGNALED(status)) return ExitSignal{WTERMSIG(status), false};
  const int code = WEXITSTATUS(status);
  if (code == 0) return ExitSuccess{};
  return ExitFailure{Error::Task("the command ended with exit code " + std::to_string(code)), code};
}

// The most that this process has held. The kernel counts it as the peak of each that it starts.
std::int64_t OwnPeakBytes() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss * 1024;
}

// Of a process that has ended. What it left in its group would outlive the task, and is killed
// first: while it is not buried, nobody else can get its number. Then what it left elsewhere.
CommandEnd Bury(int pid) {
  ::kill(-pid, SIGKILL);
  int status = 0;
  rusage usage{};
  while (::wait4(pid, &status, 0, &usage) < 0 && errno == EINTR) {
  }
  EndStrays([](int) { return true; });
  const Duration cpu = ToDuration(usage.ru_utime) + ToDuration(usage.ru_stime);
  return {ReasonOf(status), {{}, cpu, usage.ru_maxrss * 1024}, {}};
}

// A command may remove all of its work folder, and nothing above.
bool LostItsFolder(const runners::LaunchSpec& spec) {
  std::error_code error;
  return UsesWorkFolder(std::get<runners::Command>(spec.work)) &&
         !std::filesystem::exists(spec.attempt_dir, error) && !error;
}

}  // namespace

CommandRun::CommandRun(UnnamedLog* log)
    : wake_fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)), log_(log != nullptr ? *log : own_log_) {
  DML_CHECK(wake_fd_ >= 0, "an event descriptor can be had");
}

CommandRun::~CommandRun() { ::close(wake_fd_); }

void CommandRun::Kill(runners::KillMode mode) {
  const int wanted = mode == runners::KillMode::kKill ? kKillWanted : kTerminateWanted;
  wanted_.store(std::max(wanted_.load(), wanted));
  const std::uint64_t one = 1;
  const ssize_t written = ::write(wake_fd_, &one, sizeof one);
  DML_CHECK(written == sizeof one || errno == EAGAIN, "an event descriptor takes a count");
}

CommandEnd CommandRun::Run(const runners::LaunchSpec& spec, const Hear& started,
                           const Hear& lasts) {
  if (auto prepared = PrepareWorkFolder(spec); !prepared.ok()) {
    return {ExitFailure{std::move(prepared).error(), 1}, {}, {}};
  }
  CommandEnd end = Start(spec, started, lasts);
  if (std::holds_alternative<ExitSuccess>(end.reason)) {
    if (auto collected = CollectOutputs(spec); !collected.ok()) {
      end.reason = ExitFailure{std::move(collected).error(), 1};
    }
  }
  if (std::holds_alternative<ExitFailure>(end.reason) && LostItsFolder(spec)) {
    end.reason = ExitFailure{
        Error::Environment("its folder '" + spec.attempt_dir + "' was removed while it ran"), 1};
  }
  return end;
}

CommandEnd CommandRun::Start(const runners::LaunchSpec& spec, const Hear& started,
                             const Hear& lasts) {
  RedactedLog filter;
  LogStandIn output;
  const Redactor redactor(spec.secrets);
  if (auto made = MakeLogFolder(spec.log_path); !made.ok()) {
    return {ExitFailure{std::move(made).error(), 1}, {}, {}};
  }
  if (redactor.idle()) {
    output.path = log_.Open(spec.log_path, std::get<runners::Command>(spec.work).umask);
  } else if (!spec.log_path.empty()) {
    auto opened = filter.Open(spec.log_path, redactor);
    if (!opened.ok()) return {ExitFailure{std::move(opened).error(), 1}, {}, {}};
    output.fd = *opened;
  }
  const std::int64_t inherited = OwnPeakBytes();
  SpawnedCommand spawned = SpawnCommand(spec, output);
  filter.CloseWriteEnd();
  if (auto* failure = std::get_if<ExitFailure>(&spawned)) {
    log_.Finish();
    return {std::move(*failure), {}, {}};
  }
  const int pid = std::get<int>(spawned);
  started(pid);
  CommandEnd end = Supervise(pid, spec, lasts);
  filter.Finish();
  runners::ResourceUsage known = end.usage;
  if (known.memory_bytes_max <= inherited) known.memory_bytes_max = 0;
  JudgeMemory(spec.memory_bytes, known, spec.log_path, end.reason);
  RemoveEmptyLog(spec.log_path);
  return end;
}

// Waits for the end, walking up the ladder TERM, grace, KILL when time is up or somebody asks.
CommandEnd CommandRun::Supervise(int pid, const runners::LaunchSpec& spec, const Hear& lasts) {
  const SystemClock clock;
  const Instant start = clock.Now();
  std::optional<Instant> term_at;
  std::optional<Instant> kill_at;
  if (spec.timeout.ns > 0) term_at = start + spec.timeout;
  std::optional<Instant> lasts_at = start + kLastingAfter;
  Instant check_log_at = start + kLogCheckInterval;
  bool log_cut = false;
  bool timed_out = false;
  bool stopped = false;
  pollfd fds[2] = {{OpenPidfd(pid), POLLIN, 0}, {wake_fd_, POLLIN, 0}};
  while (true) {
    const Instant now = clock.Now();
    if (wanted_.load() > 0 && !stopped) {
      stopped = true;
      term_at = now;
    }
    if (wanted_.load() == kKillWanted) kill_at = now;
    if (kill_at && *kill_at <= now) {
      ::kill(-pid, SIGKILL);
      kill_at.reset();
      if (wanted_.load() == kKillWanted) wanted_.store(kTerminateWanted);
    }
    if (term_at && *term_at <= now) {
      timed_out = !stopped;
      ::kill(-pid, SIGTERM);
      term_at.reset();
      if (!kill_at) kill_at = now + spec.grace;
    }
    if (lasts_at && *lasts_at <= now) {
      log_.Name();
      if (lasts) lasts(pid);
      lasts_at.reset();
    }
    if (check_log_at <= now) {
      log_cut |= CutLog(spec.log_path);
      check_log_at = now + kLogCheckInterval;
    }
    Instant wake = check_log_at;
    for (const auto& next : {term_at, kill_at, lasts_at})
      wake = std::min(wake, next.value_or(wake));
    if (fds[0].fd < 0) wake = std::min(wake, now + kBlindInterval);
    const std::int64_t left_ms = std::max<std::int64_t>(0, (wake - now).ns / 1'000'000) + 1;
    ::poll(fds, 2, static_cast<int>(left_ms));
    std::uint64_t count = 0;
    if ((fds[1].revents & POLLIN) != 0 && ::read(wake_fd_, &count, sizeof count) < 0) count = 0;
    if ((fds[0].revents & POLLIN) != 0 || (fds[0].fd < 0 && HasEnded(pid))) break;
  }
  if (fds[0].fd >= 0) ::close(fds[0].fd);
  CommandEnd end = Bury(pid);
  log_.Finish();
  end.usage.wall = clock.Now() - start;
  if (log_cut || CutLog(spec.log_path)) end.warnings.emplace_back(kLogCutWarning);
  if (timed_out) end.reason = ExitTimeout{};
  if (stopped) end.reason = ExitKilled{};
  return end;
}

}  // namespace dml::agent

#include "runners/agent/orphans.h"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <filesystem>
#include <optional>
#include <string_view>
#include <vector>

#include "base/files.h"
#include "base/process.h"
#include "runners/agent/home_id.h"

namespace dml::agent {

namespace fs = std::filesystem;

namespace {

// A killed process may have had a child a moment before: look again until there is none.
constexpr int kRoundsMax = 100;
constexpr int kDeathMs = 5000;

// Process numbers mean something within one namespace only.
std::string PidNamespace() {
  std::error_code ignored;
  return fs::read_symlink("/proc/self/ns/pid", ignored).string();
}

std::optional<std::string> FindMark(int pid) {
  const auto environment = ReadFile(fmt::format("/proc/{}/environ", pid));
  if (!environment.ok()) return std::nullopt;
  const std::string name = std::string(kOwnerVariable) + "=";
  std::string_view rest = *environment;
  while (!rest.empty()) {
    const std::string_view entry = rest.substr(0, rest.find('\0'));
    if (entry.starts_with(name)) return std::string(entry.substr(name.size()));
    rest.remove_prefix(std::min(rest.size(), entry.size() + 1));
  }
  return std::nullopt;
}

struct HomeNames {
  std::string id;
  std::string path;
};

// "<pid> <start> <pid namespace> <id of the home> <home>": whether it is of this home and
// namespace, and dead.
bool IsOfDeadHead(const std::string& mark, const HomeNames& home) {
  ProcessId head;
  const char* const end = mark.data() + mark.size();
  const auto [after_pid, bad_pid] = std::from_chars(mark.data(), end, head.pid);
  if (bad_pid != std::errc() || after_pid == end) return false;
  const auto [after_start, bad_start] = std::from_chars(after_pid + 1, end, head.start);
  if (bad_start != std::errc() || after_start == end) return false;
  const std::string rest(after_start + 1, end);
  head.boot = BootId();  // no process outlives its boot
  const std::string space = PidNamespace() + " ";
  if (!rest.starts_with(space)) return false;
  const std::size_t id_end = rest.find(' ', space.size());
  if (id_end == std::string::npos) return false;
  const bool same = rest.substr(space.size(), id_end - space.size()) == home.id ||
                    rest.substr(id_end + 1) == home.path;
  return same && !IsAlive(head);
}

std::vector<int> Processes() {
  std::vector<int> pids;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator("/proc", ignored)) {
    const std::string name = entry.path().filename().string();
    int pid = 0;
    const auto [end, bad] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (bad == std::errc() && end == name.data() + name.size()) pids.push_back(pid);
  }
  return pids;
}

// The descriptor is taken before the mark is read: it stays this process, whatever its number
// comes to mean.
Result<bool> EndIfOrphan(int pid, const HomeNames& home) {
  const auto fd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  // Without a descriptor to spare an orphan could not be told.
  if (fd < 0 && (errno == EMFILE || errno == ENFILE)) {
    return Error::System("cannot look at the processes of this machine", errno);
  }
  if (fd < 0) return false;
  const auto mark = FindMark(pid);
  const bool orphan = mark && IsOfDeadHead(*mark, home);
  bool dead = true;
  if (orphan) {
    ::syscall(SYS_pidfd_send_signal, fd, SIGKILL, nullptr, 0);
    pollfd ended{fd, POLLIN, 0};
    dead = ::poll(&ended, 1, kDeathMs) == 1;
  }
  ::close(fd);
  if (!dead) {
    return Error::Environment(
        fmt::format("process {} of an earlier run of dml cannot be ended", pid),
        "it may wait for a disk or a network share; try again later");
  }
  return orphan;
}

std::string Mark(const std::string& id, const std::string& folder) {
  const ProcessId self = ThisProcess();
  return fmt::format("{} {} {} {} {}", self.pid, self.start, PidNamespace(), id, folder);
}

}  // namespace

std::string OwnerMark(const std::string& home) { return Mark(HomeId(home), home); }

std::string AgentMark(const std::string& root) { return Mark("-", root); }

bool IsMarked(int pid) { return FindMark(pid).has_value(); }

Result<int> EndOrphans(const std::string& home) {
  const HomeNames names{HomeId(home), home};
  int ended = 0;
  for (int round = 0; round < kRoundsMax; ++round) {
    int found = 0;
    for (const int pid : Processes()) {
      if (pid == ::getpid()) continue;
      DML_TRY(const bool orphan, EndIfOrphan(pid, names));
      found += orphan ? 1 : 0;
    }
    if (found == 0) return ended;
    ended += found;
  }
  return Error::Environment("processes of an earlier run of dml keep starting new ones",
                            "end them by hand: they have DML_OWNER in their environment");
}

}  // namespace dml::agent

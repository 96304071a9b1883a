#include "runners/agent/orphans.h"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string_view>
#include <vector>

#include "base/files.h"
#include "base/process.h"
#include "runners/agent/home_id.h"
#include "runners/agent/process_environment.h"

namespace dml::agent {

namespace fs = std::filesystem;

namespace {

// A killed process may have had a child a moment before: look again until there is none.
constexpr int kRoundsMax = 100;
constexpr int kDeathMs = 5000;
// Of folders that have none: those of agents.
constexpr char kNoId[] = "-";

// Process numbers mean something within one namespace only.
std::string PidNamespace() {
  std::error_code ignored;
  return fs::read_symlink("/proc/self/ns/pid", ignored).string();
}

std::optional<std::string> FindMark(int pid) {
  const auto environment = EnvironmentOf(pid);
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

// "<pid> <start> <pid namespace> <id of the home> <home>", taken apart. The first two are the
// owner's.
struct OwnerOf {
  ProcessId process;
  std::string id;
  std::string path;
};

// Nothing if it makes no sense, or is of another namespace.
std::optional<OwnerOf> TakeApart(const std::string& mark) {
  OwnerOf owner;
  const char* const end = mark.data() + mark.size();
  const auto [after_pid, bad_pid] = std::from_chars(mark.data(), end, owner.process.pid);
  if (bad_pid != std::errc() || after_pid == end) return std::nullopt;
  const auto [after_start, bad_start] = std::from_chars(after_pid + 1, end, owner.process.start);
  if (bad_start != std::errc() || after_start == end) return std::nullopt;
  const std::string rest(after_start + 1, end);
  owner.process.boot = BootId();  // no process outlives its boot
  const std::string space = PidNamespace() + " ";
  if (!rest.starts_with(space)) return std::nullopt;
  const std::size_t id_end = rest.find(' ', space.size());
  if (id_end == std::string::npos) return std::nullopt;
  owner.id = rest.substr(space.size(), id_end - space.size());
  owner.path = rest.substr(id_end + 1);
  return owner;
}

using IsOrphan = std::function<bool(int pid, const OwnerOf& owner)>;

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
Result<bool> EndIfOrphan(int pid, const IsOrphan& is_orphan) {
  const auto fd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  // Without a descriptor to spare an orphan could not be told.
  if (fd < 0 && (errno == EMFILE || errno == ENFILE)) {
    return Error::System("cannot look at the processes of this machine", errno);
  }
  if (fd < 0) return false;
  const auto mark = FindMark(pid);
  const auto owner = mark ? TakeApart(*mark) : std::nullopt;
  const bool orphan = owner && !IsAlive(owner->process) && is_orphan(pid, *owner);
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

Result<int> EndAll(const IsOrphan& is_orphan) {
  int ended = 0;
  for (int round = 0; round < kRoundsMax; ++round) {
    int found = 0;
    for (const int pid : Processes()) {
      if (pid == ::getpid()) continue;
      DML_TRY(const bool orphan, EndIfOrphan(pid, is_orphan));
      found += orphan ? 1 : 0;
    }
    if (found == 0) return ended;
    ended += found;
  }
  return Error::Environment("processes of an earlier run of dml keep starting new ones",
                            "end them by hand: they have DML_OWNER in their environment");
}

// 0 if there is none.
int ParentOf(int pid) {
  const auto stat = ReadFile(fmt::format("/proc/{}/stat", pid));
  if (!stat.ok()) return 0;
  // "17 (name) S 1 ...", and names may hold anything.
  const std::size_t name_end = stat->rfind(')');
  constexpr std::size_t kState = 4;
  return name_end == std::string::npos ? 0 : std::atoi(stat->c_str() + name_end + kState);
}

}  // namespace

std::string OwnerMark(const std::string& home) { return Mark(HomeId(home), home); }

std::string AgentMark(const std::string& root) { return Mark(kNoId, root); }

bool IsMarked(int pid) { return FindMark(pid).has_value(); }

Result<int> EndOrphans(const std::string& home) {
  const std::string id = HomeId(home);
  return EndAll([&](int, const OwnerOf& owner) { return owner.id == id || owner.path == home; });
}

Result<int> EndOrphansOfAgents(const std::string& root,
                               const std::function<bool(int pid)>& spared) {
  return EndAll([&](int pid, const OwnerOf& owner) {
    std::error_code ignored;
    if (owner.id != kNoId || !fs::equivalent(owner.path, root, ignored)) return false;
    for (int ancestor = pid; ancestor > 1; ancestor = ParentOf(ancestor)) {
      if (spared(ancestor)) return false;
    }
    return true;
  });
}

}  // namespace dml::agent

#include "base/process.h"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <climits>
#include <cstdlib>
#include <sstream>
#include <string_view>

#include "base/files.h"

namespace dml {

namespace {

struct ProcStat {
  char state = 'X';
  std::int64_t start = 0;
};

// The command, in parentheses, may hold anything: fields count from the last ')'.
std::optional<ProcStat> ReadStat(int pid) {
  const auto text = ReadFile("/proc/" + std::to_string(pid) + "/stat");
  if (!text.ok()) return std::nullopt;
  const std::size_t end = text->rfind(')');
  if (end == std::string::npos) return std::nullopt;
  std::istringstream fields(text->substr(end + 1));
  ProcStat stat;
  fields >> stat.state;
  constexpr int kFieldsBetween = 18;  // from ppid, the 4th, to itrealvalue, the 21st
  std::string skipped;
  for (int i = 0; i < kFieldsBetween; ++i) fields >> skipped;
  fields >> stat.start;
  if (!fields) return std::nullopt;
  return stat;
}

}  // namespace

const std::string& BootId() {
  static const std::string id = [] {
    // Tests of nodes that are started anew, where all of them share one kernel.
    if (const char* given = std::getenv("DML_BOOT_ID"); given != nullptr) return std::string(given);
    auto text = ReadFile("/proc/sys/kernel/random/boot_id");
    if (!text.ok()) return std::string();
    while (!text->empty() && text->back() == '\n') text->pop_back();
    return *text;
  }();
  return id;
}

std::string HostName() {
  char name[HOST_NAME_MAX + 1] = "";
  return ::gethostname(name, sizeof name) == 0 ? std::string(name) : std::string("localhost");
}

std::uint32_t FileMask() {
  static const std::uint32_t mask = [] {
    constexpr std::uint32_t kUsual = 022;
    constexpr std::string_view kField = "\nUmask:\t";
    const auto text = ReadFile("/proc/self/status");
    const std::size_t at = text.ok() ? text->find(kField) : std::string::npos;
    if (at == std::string::npos) return kUsual;
    return static_cast<std::uint32_t>(std::strtoul(text->c_str() + at + kField.size(), nullptr, 8));
  }();
  return mask;
}

std::optional<std::int64_t> StartOf(int pid) {
  const auto stat = ReadStat(pid);
  if (!stat || stat->state == 'Z' || stat->state == 'X') return std::nullopt;
  return stat->start;
}

ProcessId ThisProcess() { return {::getpid(), StartOf(::getpid()).value_or(0), BootId()}; }

bool IsAlive(const ProcessId& process) {
  return process.boot == BootId() && StartOf(process.pid) == process.start;
}

bool SignalProcess(const ProcessId& process, int signal) {
  // The descriptor is taken first: from then on the number cannot come to mean another process.
  const auto fd = static_cast<int>(::syscall(SYS_pidfd_open, process.pid, 0));
  if (fd < 0) return false;
  const bool sent =
      IsAlive(process) && ::syscall(SYS_pidfd_send_signal, fd, signal, nullptr, 0) == 0;
  ::close(fd);
  return sent;
}

}  // namespace dml

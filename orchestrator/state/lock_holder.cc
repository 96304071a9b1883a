#include "orchestrator/state/lock_holder.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <sstream>
#include <vector>

#include "base/files.h"

namespace dml::state {

namespace {

// How the kernel's table of locks names a file.
void AddNameInLockTable(const std::string& path, std::vector<std::string>& names) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return;
  names.push_back(
      fmt::format("{:02x}:{:02x}:{}", ::major(info.st_dev), ::minor(info.st_dev), info.st_ino));
}

std::string ProgramOf(int pid) {
  auto name = ReadFile(fmt::format("/proc/{}/comm", pid));
  if (!name.ok()) return {};
  std::string program;
  for (const char c : *name) {
    if (c > ' ' && c <= '~') program += c;
  }
  return program;
}

}  // namespace

// Asking by fcntl() would open the file, and closing it again would give back the locks that this
// process has on it.
std::string LockHolder(const std::string& database) {
  std::vector<std::string> names;
  AddNameInLockTable(database + "-shm", names);  // where writers of WAL take turns
  AddNameInLockTable(database, names);
  const auto table = ReadFile("/proc/locks");
  if (!table.ok()) return {};
  std::istringstream lines(*table);
  for (std::string line; std::getline(lines, line);) {
    // "6: POSIX  ADVISORY  WRITE 10672 fe:00:13099856 120 120"
    std::istringstream words(line);
    std::string number;
    std::string kind;
    std::string strength;
    std::string mode;
    std::string file;
    int pid = 0;
    words >> number >> kind >> strength >> mode >> pid >> file;
    if (kind != "POSIX" || mode != "WRITE" || pid <= 0 || pid == ::getpid()) continue;
    if (std::find(names.begin(), names.end(), file) == names.end()) continue;
    const std::string program = ProgramOf(pid);
    return fmt::format("process {}{}", pid, program.empty() ? "" : " (" + program + ")");
  }
  return {};
}

}  // namespace dml::state

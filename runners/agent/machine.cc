#include "runners/agent/machine.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "base/files.h"

namespace dml::agent {

namespace {

std::optional<std::int64_t> ReadNumber(const std::string& path) {
  const auto text = ReadFile(path);
  std::int64_t value = 0;
  if (!text.ok()) return std::nullopt;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  return error == std::errc() && value > 0 ? std::optional(value) : std::nullopt;
}

// The folders of the control groups that confine this process, its own first, for a controller of
// version 1 or, with an empty name, for version 2. Inside a container the root alone may be
// visible.
std::vector<std::string> GroupFolders(const std::string& controller) {
  const std::string root = "/sys/fs/cgroup" + (controller.empty() ? "" : "/" + controller);
  std::vector<std::string> folders;
  const auto text = ReadFile("/proc/self/cgroup");
  std::istringstream lines(text.ok() ? *text : "");
  for (std::string line; std::getline(lines, line);) {  // number:controllers:path
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string names = "," + line.substr(first + 1, second - first - 1) + ",";
    const bool ours = controller.empty() ? names == ",,"
                                         : names.find("," + controller + ",") != std::string::npos;
    if (!ours) continue;
    std::string path = line.substr(second + 1);
    for (; path.size() > 1; path.resize(path.rfind('/'))) folders.push_back(root + path);
  }
  folders.push_back(root);
  return folders;
}

double CountProcessors() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  const int count = ::sched_getaffinity(0, sizeof allowed, &allowed) == 0 ? CPU_COUNT(&allowed) : 1;
  double processors = std::max(1, count);
  for (const std::string& folder : GroupFolders("cpu")) {
    const auto quota = ReadNumber(folder + "/cpu.cfs_quota_us");
    const auto period = ReadNumber(folder + "/cpu.cfs_period_us");
    if (!quota || !period) continue;
    processors = std::min(processors, static_cast<double>(*quota) / static_cast<double>(*period));
  }
  for (const std::string& folder : GroupFolders("")) {
    const auto text = ReadFile(folder + "/cpu.max");  // "quota period" or "max period"
    if (!text.ok() || text->starts_with("max")) continue;
    char* rest = nullptr;
    const double quota = std::strtod(text->c_str(), &rest);
    const double period = std::strtod(rest, nullptr);
    if (quota > 0 && period > 0) processors = std::min(processors, quota / period);
  }
  return std::max(1.0, std::floor(processors));
}

std::int64_t CountMemory() {
  std::int64_t bytes = ::sysconf(_SC_PHYS_PAGES) * ::sysconf(_SC_PAGE_SIZE);
  for (const std::string& folder : GroupFolders("memory")) {
    if (const auto limit = ReadNumber(folder + "/memory.limit_in_bytes")) {
      bytes = std::min(bytes, *limit);
    }
  }
  for (const std::string& folder : GroupFolders("")) {
    if (const auto limit = ReadNumber(folder + "/memory.max")) bytes = std::min(bytes, *limit);
  }
  return bytes;
}

}  // namespace

runners::Capacity MachineCapacity() { return {CountProcessors(), CountMemory()}; }

}  // namespace dml::agent

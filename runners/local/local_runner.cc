#include "runners/local/local_runner.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

#include "base/files.h"

namespace dml::local {

namespace {

std::optional<std::int64_t> ReadNumber(const std::string& path) {
  const auto text = ReadFile(path);
  std::int64_t value = 0;
  if (!text.ok()) return std::nullopt;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  return error == std::errc() && value > 0 ? std::optional(value) : std::nullopt;
}

double CountProcessors() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  const int count = ::sched_getaffinity(0, sizeof allowed, &allowed) == 0 ? CPU_COUNT(&allowed) : 1;
  double processors = std::max(1, count);
  const auto quota = ReadNumber("/sys/fs/cgroup/cpu/cpu.cfs_quota_us");
  const auto period = ReadNumber("/sys/fs/cgroup/cpu/cpu.cfs_period_us");
  if (quota && period) {
    processors = std::min(processors, static_cast<double>(*quota) / static_cast<double>(*period));
  }
  return std::max(1.0, std::floor(processors));
}

std::int64_t CountMemory() {
  std::int64_t bytes = ::sysconf(_SC_PHYS_PAGES) * ::sysconf(_SC_PAGE_SIZE);
  for (const char* path :
       {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}) {
    if (const auto limit = ReadNumber(path)) bytes = std::min(bytes, *limit);
  }
  return bytes;
}

runners::Capacity Limited(double jobs) {
  runners::Capacity capacity = MachineCapacity();
  if (jobs > 0) capacity.cpus = jobs;
  return capacity;
}

}  // namespace

runners::Capacity MachineCapacity() { return {CountProcessors(), CountMemory()}; }

LocalRunner::LocalRunner(const LocalOptions& options, runners::EventSink& sink)
    : capacity_(Limited(options.jobs)),
      pool_({options.worker_argv, static_cast<std::size_t>(std::ceil(capacity_.cpus))}, sink) {}

Result<void> LocalRunner::Launch(std::vector<runners::LaunchSpec> batch) {
  pool_.Launch(std::move(batch));
  return {};
}

void LocalRunner::Kill(runners::AttemptKey key, runners::KillMode mode) { pool_.Kill(key, mode); }

Result<runners::AttemptStatus> LocalRunner::Find(runners::AttemptKey key) {
  return pool_.Find(key);
}

void LocalRunner::Shutdown() { pool_.Shutdown(); }

}  // namespace dml::local

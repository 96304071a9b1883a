#pragma once

#include <sys/resource.h>
#include <unistd.h>

#include <cstdint>
#include <fstream>

namespace dml::steps {

// Lets this process take so many bytes more, of what is neither a file nor shared: as a worker
// limits a task that states its memory.
inline void LimitMemory(std::int64_t more) {
  std::int64_t pages = 0;
  std::ifstream in("/proc/self/statm");
  for (int field = 0; field < 6; ++field) in >> pages;  // the sixth: data and stack
  const auto most = static_cast<rlim_t>(pages * ::sysconf(_SC_PAGESIZE) + more);
  const rlimit limit{most, most};
  ::setrlimit(RLIMIT_DATA, &limit);
}

}  // namespace dml::steps

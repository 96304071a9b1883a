#include "base/open_files.h"

#include <sys/resource.h>

namespace dml {

namespace {

rlimit before{};
bool raised = false;

}  // namespace

void RaiseOpenFiles() {
  rlimit limit{};
  if (raised || ::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= limit.rlim_max) return;
  before = limit;
  limit.rlim_cur = limit.rlim_max;
  raised = ::setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

void RestoreOpenFiles(int pid) {
  if (raised) ::prlimit(pid, RLIMIT_NOFILE, &before, nullptr);
}

}  // namespace dml

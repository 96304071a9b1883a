#include "orchestrator/engine/run_owner.h"

#include <fmt/format.h>

#include <filesystem>
#include <system_error>
#include <utility>

#include "base/files.h"
#include "orchestrator/state/run_files.h"

namespace dml::engine {

namespace {

std::string SecondLockPath(const std::string& home, RunId run) {
  return state::RunPath(home, run) + "/" + kOwnerFile;
}

}  // namespace

Result<RunLock> RunLock::Take(const Home& home, RunId run, const Json& terms) {
  const std::string name = fmt::format("r{}", run.value);
  const std::string folder = home.RunPath(run);
  DML_RETURN_IF_ERROR(MakeDirectories(folder));
  RunLock lock({}, folder);
  for (const std::string& path : {home.RunLockPath(run), SecondLockPath(home.path(), run)}) {
    DML_TRY(FileLock part, FileLock::Take(path, name, terms));
    lock.locks_.push_back(std::move(part));
  }
  return lock;
}

RunLock::~RunLock() {
  locks_.clear();
  std::error_code not_empty;
  if (!folder_.empty()) std::filesystem::remove(folder_, not_empty);
}

void ForgetDeadOwner(const Home& home, RunId run) {
  std::error_code not_there;
  std::filesystem::remove(SecondLockPath(home.path(), run), not_there);
}

std::optional<LockOwner> OwnerOfRun(const std::string& home, RunId run) {
  if (auto owner = FileLock::Owner(Home::RunLockPath(home, run))) return owner;
  return FileLock::Owner(SecondLockPath(home, run));
}

}  // namespace dml::engine

#include "orchestrator/engine/quiet_store.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <set>
#include <system_error>

#include "orchestrator/state/shared_index.h"

namespace dml::engine {

namespace fs = std::filesystem;

namespace {

// Runs begin behind the gate, which the caller holds.
Result<void> CheckNobodyRuns(const std::string& home, const std::string& hint) {
  if (const auto owner = OwnerOfARun(home)) return Error::Busy(owner->Describe(), hint);
  return {};
}

// Whether its database is there. What cannot be seen is not gone.
Result<bool> IsThere(const std::string& home) {
  const auto unseen = [&](int code) {
    return Error::Environment(
        fmt::format("the home '{}' shares this store and cannot be looked into: {}", home,
                    std::generic_category().message(code)),
        "nothing was removed: let its user, or root, do this");
  };
  struct stat info {};
  if (::stat((home + "/dml.db").c_str(), &info) == 0) {
    if (::access((home + "/dml.db").c_str(), R_OK | W_OK) == 0) return true;
    return unseen(errno);
  }
  if (errno == ENOENT || errno == ENOTDIR) return false;
  return unseen(errno);
}

}  // namespace

Result<QuietStore> QuietStore::Make(const Home& home, const std::string& hint) {
  QuietStore quiet;
  // Each takes the gates of all the others: two that do so at once would wait for each other for
  // ever.
  if (home.shared()) {
    DML_TRY(FileLock care, FileLock::Wait(home.path() + "/store/care.lock"));
    quiet.locks_.push_back(std::move(care));
  }
  DML_TRY(FileLock own, FileLock::Wait(home.GateLockPath()));
  quiet.locks_.push_back(std::move(own));
  DML_RETURN_IF_ERROR(CheckNobodyRuns(home.path(), hint));
  if (!home.shared()) return quiet;
  DML_TRY(state::SharedIndex index, state::SharedIndex::Open(home.SharedIndexPath(), home.path()));
  DML_TRY(const std::vector<std::string> homes, index.Homes());
  // A home that has two names has one gate.
  std::error_code ignored;
  std::set<fs::path> seen{fs::canonical(home.path(), ignored)};
  for (const std::string& other : homes) {
    DML_TRY(const bool there, IsThere(other));
    if (!there) {
      quiet.gone_.push_back(other);
      continue;
    }
    if (!seen.insert(fs::canonical(other, ignored)).second) continue;
    DML_TRY(FileLock gate, FileLock::Wait(other + "/locks/gate"));
    quiet.locks_.push_back(std::move(gate));
    DML_RETURN_IF_ERROR(CheckNobodyRuns(other, hint));
    quiet.others_.push_back(other);
  }
  return quiet;
}

}  // namespace dml::engine

#include "orchestrator/engine/quiet_store.h"

#include <filesystem>
#include <set>

#include "orchestrator/state/shared_index.h"

namespace dml::engine {

namespace fs = std::filesystem;

namespace {

// Runs begin behind the gate, which the caller holds.
Result<void> CheckNobodyRuns(const std::string& home, const std::string& hint) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(home + "/locks", ignored)) {
    if (entry.path().filename().string().front() != 'r') continue;
    if (const auto owner = FileLock::Owner(entry.path().string())) {
      return Error::Busy(owner->Describe(), hint);
    }
  }
  return {};
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
    if (!fs::exists(other + "/dml.db", ignored)) continue;
    if (!seen.insert(fs::canonical(other, ignored)).second) continue;
    DML_TRY(FileLock gate, FileLock::Wait(other + "/locks/gate"));
    quiet.locks_.push_back(std::move(gate));
    DML_RETURN_IF_ERROR(CheckNobodyRuns(other, hint));
    quiet.others_.push_back(other);
  }
  return quiet;
}

}  // namespace dml::engine

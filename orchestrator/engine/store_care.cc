#include "orchestrator/engine/store_care.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "orchestrator/engine/checkpoints.h"
#include "orchestrator/engine/file_lock.h"
#include "orchestrator/engine/recovery.h"
#include "orchestrator/state/shared_index.h"

namespace dml::engine {

namespace fs = std::filesystem;

namespace {

// Somebody may still want to go on with an attempt that failed: `dml retry`.
constexpr Duration kCheckpointAge = Duration::Seconds(7 * 24 * 3600);

// Calls visit(path, name, bytes) for every file of the store.
template <typename Visit>
Result<void> ForEachBlob(const Home& home, const Visit& visit) {
  std::error_code error;
  fs::recursive_directory_iterator it(home.BlobFolder(), error);
  for (; !error && it != fs::end(it); it.increment(error)) {
    std::error_code gone;
    if (!it->is_regular_file(gone)) continue;
    const auto bytes = static_cast<std::int64_t>(it->file_size(gone));
    DML_RETURN_IF_ERROR(visit(it->path().string(), it->path().filename().string(), bytes));
  }
  if (error) return Error::System("cannot list '" + home.BlobFolder() + "'", error.value());
  return {};
}

template <typename Visit>
void ForEachFile(const state::CacheRow& row, const Visit& visit) {
  for (const Artifact& output : row.outputs) {
    for (const ArtifactFile& file : output.files) visit(file.digest.Hex());
  }
}

// Runs begin behind the gate, which the caller holds.
Result<void> CheckNobodyRuns(const std::string& home) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(home + "/locks", ignored)) {
    if (entry.path().filename().string().front() != 'r') continue;
    if (const auto owner = FileLock::Owner(entry.path().string())) {
      return Error::Busy(owner->Describe(), "collect garbage when it has ended");
    }
  }
  return {};
}

// One home at a time cares for a store that several share: each takes the gates of all the others,
// and two that do so at once would wait for each other for ever.
Result<std::vector<FileLock>> LockCare(const Home& home) {
  std::vector<FileLock> locks;
  if (!home.shared()) return locks;
  DML_TRY(FileLock care, FileLock::Wait(home.path() + "/store/care.lock"));
  locks.push_back(std::move(care));
  return locks;
}

// Of a store that is shared: every file of every result of the other homes, none of which may run
// or begin a run meanwhile.
Result<std::vector<FileLock>> KeepWhatOthersHave(const Home& home, std::set<std::string>& wanted) {
  std::vector<FileLock> gates;
  if (!home.shared()) return gates;
  DML_TRY(state::SharedIndex index, state::SharedIndex::Open(home.SharedIndexPath(), home.path()));
  DML_TRY(const std::vector<std::string> homes, index.Homes());
  // A home that has two names has one gate.
  std::error_code ignored;
  std::set<fs::path> seen{fs::canonical(home.path(), ignored)};
  for (const std::string& other : homes) {
    if (!fs::exists(other + "/dml.db", ignored)) continue;
    if (!seen.insert(fs::canonical(other, ignored)).second) continue;
    DML_TRY(FileLock gate, FileLock::Wait(other + "/locks/gate"));
    gates.push_back(std::move(gate));
    DML_RETURN_IF_ERROR(CheckNobodyRuns(other));
    DML_TRY(state::CacheStore cache, state::CacheStore::Open(other + "/dml.db"));
    DML_TRY(const std::vector<state::CacheRow> rows, cache.List());
    for (const state::CacheRow& row : rows) {
      ForEachFile(row, [&](const std::string& name) { wanted.insert(name); });
    }
  }
  return gates;
}

Result<void> Forget(const Home& home, state::CacheStore& cache, const std::vector<Digest>& keys) {
  DML_RETURN_IF_ERROR(cache.Remove(keys));
  if (!home.shared()) return {};
  DML_TRY(state::SharedIndex index, state::SharedIndex::Open(home.SharedIndexPath(), home.path()));
  for (const Digest& key : keys) DML_RETURN_IF_ERROR(index.Remove(key));
  return {};
}

std::int64_t CountAttempts(const Home& home, RunId run) {
  std::int64_t count = 0;
  std::error_code ignored;
  for (const auto& task : fs::directory_iterator(home.RunPath(run), ignored)) {
    count += task.path().filename() == "logs" ? 0 : 1;
  }
  return count;
}

}  // namespace

Result<VerifyReport> VerifyStore(const Home& home, state::CacheStore& cache) {
  std::map<std::string, std::set<std::string>> users;
  DML_TRY(const std::vector<state::CacheRow> rows, cache.List());
  for (const state::CacheRow& row : rows) {
    ForEachFile(row, [&](const std::string& name) {
      if (!row.task.empty()) users[name].insert(row.task);
    });
  }
  VerifyReport report;
  const auto check = [&](const std::string& path, const std::string& name,
                         std::int64_t bytes) -> Result<void> {
    DML_TRY(const Digest digest, HashFile(path));
    ++report.files;
    report.bytes += bytes;
    if (digest.Hex() == name) return {};
    std::error_code error;
    fs::remove(path, error);
    if (error) return Error::System("cannot remove '" + path + "'", error.value());
    report.damaged.push_back({path, {users[name].begin(), users[name].end()}});
    return {};
  };
  DML_RETURN_IF_ERROR(ForEachBlob(home, check));
  std::ranges::sort(report.damaged, {}, &DamagedFile::path);
  return report;
}

Result<GarbageReport> CollectGarbage(const Home& home, state::CacheStore& cache, int keep_runs,
                                     bool dry_run) {
  DML_TRY(const std::vector<FileLock> care, LockCare(home));
  DML_TRY(const FileLock gate, FileLock::Wait(home.GateLockPath()));
  DML_RETURN_IF_ERROR(CheckNobodyRuns(home.path()));
  DML_TRY(const std::set<Digest> in_use, cache.KeysInUse(keep_runs));
  DML_TRY(const std::vector<state::CacheRow> rows, cache.List());
  GarbageReport report;
  std::vector<Digest> unused;
  std::set<std::string> wanted;
  for (const state::CacheRow& row : rows) {
    if (in_use.contains(row.key)) {
      ForEachFile(row, [&](const std::string& name) { wanted.insert(name); });
    } else {
      unused.push_back(row.key);
    }
  }
  DML_TRY(const std::vector<FileLock> gates, KeepWhatOthersHave(home, wanted));
  report.results = static_cast<std::int64_t>(unused.size());
  if (!dry_run) DML_RETURN_IF_ERROR(Forget(home, cache, unused));
  const auto sweep = [&](const std::string& path, const std::string& name,
                         std::int64_t bytes) -> Result<void> {
    if (wanted.contains(name)) {
      ++report.kept_files;
      return {};
    }
    ++report.files;
    report.bytes += bytes;
    std::error_code error;
    if (!dry_run) fs::remove(path, error);
    if (error) return Error::System("cannot remove '" + path + "'", error.value());
    return {};
  };
  DML_RETURN_IF_ERROR(ForEachBlob(home, sweep));
  DML_TRY(const std::vector<RunId> ended, cache.EndedRuns());
  for (const RunId run : ended) {
    report.attempts += CountAttempts(home, run);
    if (!dry_run) SweepAttempts(home, run, {});
  }
  if (!dry_run) SweepTemporaries(home);
  report.checkpoints = ExpireCheckpoints(home, kCheckpointAge, dry_run);
  return report;
}

}  // namespace dml::engine

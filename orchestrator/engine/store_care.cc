#include "orchestrator/engine/store_care.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "base/crash_point.h"
#include "base/suggest.h"
#include "orchestrator/engine/blob_walk.h"
#include "orchestrator/engine/checkpoints.h"
#include "orchestrator/engine/quiet_store.h"
#include "orchestrator/engine/recovery.h"
#include "orchestrator/state/shared_index.h"

namespace dml::engine {

namespace fs = std::filesystem;

namespace {

// Somebody may still want to go on with an attempt that failed: `dml retry`.
constexpr Duration kCheckpointAge = Duration::Seconds(7 * 24 * 3600);

// Of a store that is shared: what the results of the other homes need, and which results these are.
struct HeldByOthers {
  std::set<std::string> files;
  std::set<Digest> keys;
};

Result<HeldByOthers> WhatOthersHold(const QuietStore& quiet) {
  if (!quiet.gone_homes().empty()) {
    const std::string& gone = quiet.gone_homes().front();
    return Error::Environment(
        fmt::format("the home '{}' shares this store and is not there: nothing says which files it "
                    "needs, and none was removed",
                    gone),
        fmt::format("if it was moved, run a pipeline there, so that the store knows it; then, or "
                    "if it was deleted: `dml cache gc --forget-home '{}'`",
                    gone));
  }
  HeldByOthers held;
  for (const std::string& other : quiet.other_homes()) {
    DML_TRY(state::CacheStore cache, state::CacheStore::Open(other + "/dml.db"));
    DML_TRY(const std::vector<state::CacheRow> rows, cache.List());
    for (const state::CacheRow& row : rows) {
      held.keys.insert(row.key);
      ForEachFile(row, [&](const ArtifactFile& file) { held.files.insert(file.digest.Hex()); });
    }
  }
  return held;
}

// The index tells everybody of a result for as long as one home has it. It forgets first: what only
// it knows, because a process died in between or a home is gone, nobody would ever ask it to
// forget.
Result<void> Forget(const Home& home, state::CacheStore& cache, const std::vector<Digest>& unused,
                    const std::set<Digest>& held) {
  if (home.shared()) {
    DML_TRY(state::SharedIndex index,
            state::SharedIndex::Open(home.SharedIndexPath(), home.path()));
    DML_RETURN_IF_ERROR(index.KeepOnly(held));
    CrashPoint("gc.unlisted");
  }
  DML_RETURN_IF_ERROR(cache.Remove(unused));
  CrashPoint("gc.forgotten");
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

Result<GarbageReport> CollectGarbage(const Home& home, state::CacheStore& cache, int keep_runs,
                                     bool dry_run) {
  DML_TRY(const QuietStore quiet, QuietStore::Make(home, "collect garbage when it has ended"));
  DML_TRY(const std::set<Digest> in_use, cache.KeysInUse(keep_runs));
  DML_TRY(const std::vector<state::CacheRow> rows, cache.List());
  GarbageReport report;
  std::vector<Digest> unused;
  std::set<Digest> held;
  std::set<std::string> wanted;
  for (const state::CacheRow& row : rows) {
    if (in_use.contains(row.key)) {
      held.insert(row.key);
      ForEachFile(row, [&](const ArtifactFile& file) { wanted.insert(file.digest.Hex()); });
    } else {
      unused.push_back(row.key);
    }
  }
  DML_TRY(HeldByOthers others, WhatOthersHold(quiet));
  wanted.merge(others.files);
  held.merge(others.keys);
  report.results = static_cast<std::int64_t>(unused.size());
  if (!dry_run) DML_RETURN_IF_ERROR(Forget(home, cache, unused, held));
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
    CrashPoint("gc.removed");
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

Result<void> ForgetHome(const Home& home, const std::string& path) {
  std::error_code ignored;
  const std::string wanted = fs::absolute(path, ignored).lexically_normal().string();
  std::vector<std::string> homes;
  if (home.shared()) {
    DML_TRY(state::SharedIndex index,
            state::SharedIndex::Open(home.SharedIndexPath(), home.path()));
    DML_TRY(homes, index.Homes());
    const bool known = std::ranges::find(homes, wanted) != homes.end();
    // What cannot be seen is not gone.
    const bool gone = fs::status(wanted + "/dml.db", ignored).type() == fs::file_type::not_found;
    if (known && !gone) {
      return Error::Invalid(fmt::format("the home '{}' is still there", wanted),
                            "it is asked what it needs; delete it first if nobody wants it");
    }
    if (known) return index.ForgetHome(wanted);
  }
  return Error::Invalid(fmt::format("no home '{}' shares the store of '{}'", wanted, home.path()),
                        DidYouMean(wanted, homes));
}

}  // namespace dml::engine

#include "orchestrator/engine/store_verify.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <map>
#include <set>

#include "base/crash_point.h"
#include "orchestrator/engine/blob_walk.h"
#include "orchestrator/engine/quiet_store.h"
#include "orchestrator/state/shared_index.h"

namespace dml::engine {

namespace {

struct Damage {
  std::string name;
  std::string path;
  WallTime changed;
};

// The last write at the earliest: a disk that forgets leaves the time of the file alone, and the
// file counts as damaged ever since it was written.
WallTime ChangedSince(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return {0};
  const auto us = [](const timespec& time) {
    return std::int64_t{time.tv_sec} * 1'000'000 + time.tv_nsec / 1000;
  };
  return {std::min(us(info.st_mtim), us(info.st_ctim))};
}

enum class Content { kGood, kDamaged, kGone };

// A disk that cannot give back what it took has damaged it.
Result<Content> Examine(const std::string& path, const std::string& name) {
  const auto digest = HashFile(path);
  if (digest.ok()) return digest->Hex() == name ? Content::kGood : Content::kDamaged;
  if (::access(path.c_str(), R_OK) == 0) return Content::kDamaged;
  if (errno == ENOENT) return Content::kGone;
  return digest.error();
}

// What is known of the files of the store, and what follows for the results of the homes.
class Doubts {
 public:
  explicit Doubts(const std::vector<Damage>& damages) {
    for (const Damage& damage : damages) damages_.emplace(damage.name, damage);
  }

  // The artifacts of damaged files, from whoever has results that name them.
  void Learn(const std::vector<state::CacheRow>& rows) {
    for (const state::CacheRow& row : rows) {
      for (const Artifact& output : row.outputs) {
        for (const ArtifactFile& file : output.files) Learn(output.digest, file.digest.Hex());
      }
    }
  }

  template <typename Table>
  Result<void> Drop(Table& table, const std::vector<state::CacheRow>& rows,
                    const std::string& other_home, std::vector<DoubtfulResult>& dropped) const {
    DML_TRY(const std::vector<state::Consumer> consumers, table.ConsumersSince(since_));
    std::vector<Digest> keys;
    for (const state::Consumer& consumer : consumers) {
      keys.push_back(consumer.key);
      const Damage& damage = damages_.at(files_.at(consumer.artifact));
      const auto row = std::ranges::find(rows, consumer.key, &state::CacheRow::key);
      dropped.push_back({row == rows.end() ? std::string() : row->task, consumer.key, other_home,
                         consumer.created, damage.path, damage.changed});
    }
    return table.Remove(keys);
  }

 private:
  void Learn(const Digest& artifact, const std::string& file) {
    const auto damage = damages_.find(file);
    if (damage == damages_.end()) return;
    const auto [since, first] = since_.try_emplace(artifact, damage->second.changed);
    if (!first && since->second <= damage->second.changed) return;
    since->second = damage->second.changed;
    files_[artifact] = file;
  }

  std::map<std::string, Damage> damages_;  // by the name of the file
  std::map<Digest, WallTime> since_;       // by artifact
  std::map<Digest, std::string> files_;    // by artifact
};

// Before the files go: a crash in between leaves the damage to be found again, with all that
// follows from it.
Result<void> DropDoubtful(const Home& home, const std::vector<Damage>& damages,
                          state::CacheStore& cache, std::vector<DoubtfulResult>& dropped) {
  DML_TRY(const QuietStore quiet,
          QuietStore::Make(home, fmt::format("{} of the store is damaged, and the run may be "
                                             "reading it: verify again when it has ended",
                                             damages.size() == 1 ? "a file" : "a part")));
  Doubts doubts(damages);
  DML_TRY(const std::vector<state::CacheRow> rows, cache.List());
  doubts.Learn(rows);
  std::vector<std::pair<state::CacheStore, std::vector<state::CacheRow>>> others;
  for (const std::string& other : quiet.other_homes()) {
    DML_TRY(state::CacheStore other_cache, state::CacheStore::Open(other + "/dml.db"));
    DML_TRY(std::vector<state::CacheRow> other_rows, other_cache.List());
    doubts.Learn(other_rows);
    others.emplace_back(std::move(other_cache), std::move(other_rows));
  }
  // From the index first: whoever looks meanwhile must not copy out of it what is about to go.
  if (home.shared()) {
    DML_TRY(state::SharedIndex index,
            state::SharedIndex::Open(home.SharedIndexPath(), home.path()));
    std::vector<DoubtfulResult> known_by_homes;
    DML_RETURN_IF_ERROR(doubts.Drop(index, rows, {}, known_by_homes));
  }
  DML_RETURN_IF_ERROR(doubts.Drop(cache, rows, {}, dropped));
  for (std::size_t i = 0; i < others.size(); ++i) {
    auto& [other_cache, other_rows] = others[i];
    DML_RETURN_IF_ERROR(doubts.Drop(other_cache, other_rows, quiet.other_homes()[i], dropped));
  }
  CrashPoint("verify.dropped");
  for (const Damage& damage : damages) {
    std::error_code error;
    std::filesystem::remove(damage.path, error);
    if (error) return Error::System("cannot remove '" + damage.path + "'", error.value());
    CrashPoint("verify.removed");
  }
  return {};
}

std::vector<DamagedFile> WithTasks(const std::vector<Damage>& damages,
                                   const std::vector<state::CacheRow>& rows) {
  std::map<std::string, std::set<std::string>> users;
  for (const Damage& damage : damages) users[damage.name];
  for (const state::CacheRow& row : rows) {
    ForEachFile(row, [&](const ArtifactFile& file) {
      const auto user = users.find(file.digest.Hex());
      if (user != users.end() && !row.task.empty()) user->second.insert(row.task);
    });
  }
  std::vector<DamagedFile> files;
  for (const Damage& damage : damages) {
    const std::set<std::string>& tasks = users[damage.name];
    files.push_back({damage.path, {tasks.begin(), tasks.end()}});
  }
  std::ranges::sort(files, {}, &DamagedFile::path);
  return files;
}

std::vector<IncompleteResult> Incomplete(const std::vector<state::CacheRow>& rows,
                                         const std::set<std::string>& present) {
  std::vector<IncompleteResult> incomplete;
  for (const state::CacheRow& row : rows) {
    IncompleteResult result{row.task, row.key};
    ForEachFile(row, [&](const ArtifactFile& file) {
      ++result.files;
      result.files_missing += present.contains(file.digest.Hex()) ? 0 : 1;
    });
    if (result.files_missing > 0) incomplete.push_back(std::move(result));
  }
  return incomplete;
}

}  // namespace

Result<VerifyReport> VerifyStore(const Home& home, state::CacheStore& cache) {
  VerifyReport report;
  std::vector<Damage> damages;
  std::set<std::string> present;
  // Before the files: those of a result that is added meanwhile need not have been seen.
  DML_TRY(const std::vector<state::CacheRow> rows, cache.List());
  const auto check = [&](const std::string& path, const std::string& name,
                         std::int64_t bytes) -> Result<void> {
    // Before the content is read: if it is written meanwhile, it changed later.
    const WallTime changed = ChangedSince(path);
    DML_TRY(const Content content, Examine(path, name));
    if (content == Content::kGone) return {};
    ++report.files;
    report.bytes += bytes;
    present.insert(name);
    if (content == Content::kDamaged) damages.push_back({name, path, changed});
    return {};
  };
  DML_RETURN_IF_ERROR(ForEachBlob(home, check));
  report.incomplete = Incomplete(rows, present);
  if (damages.empty()) return report;
  report.removed = !home.read_only();
  if (report.removed) DML_RETURN_IF_ERROR(DropDoubtful(home, damages, cache, report.dropped));
  report.damaged = WithTasks(damages, rows);
  return report;
}

}  // namespace dml::engine

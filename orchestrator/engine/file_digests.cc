#include "orchestrator/engine/file_digests.h"

#include <utility>

#include "base/files.h"

namespace dml::engine {

namespace {

constexpr std::int64_t kHashedHereBytesMax = 1 << 20;
constexpr std::int64_t kRacyUs = 2'000'000;

Result<FileStamp> Look(const std::string& path) {
  return StampOf(path, "relative paths start at the folder of the pipeline file");
}

}  // namespace

Result<std::optional<FileDigests::Known>> FileDigests::Find(const std::string& path) {
  const auto it = known_.find(path);
  if (it != known_.end() && it->second.digest) {
    return std::optional(Known{it->second.stamp, *it->second.digest});
  }
  DML_TRY(const FileStamp stamp, Look(path));
  known_[path].stamp = stamp;
  DML_TRY(const std::optional<Digest> stored, store_.FindFile(path, stamp));
  if (stored) {
    known_[path].digest = stored;
    return std::optional(Known{stamp, *stored});
  }
  if (stamp.size > kHashedHereBytesMax) return std::optional<Known>();
  DML_TRY(const Digest digest, HashFile(path));
  Learn(path, digest);
  return std::optional(Known{stamp, digest});
}

void FileDigests::Learn(const std::string& path, const Digest& digest) {
  const auto found = known_.find(path);
  if (found == known_.end()) return;
  Entry& entry = found->second;
  entry.digest = digest;
  const auto after = Look(path);
  // Changed while it was read: good for this run, which reads what it reads, but not for the next.
  if (!after.ok() || !(*after == entry.stamp)) return;
  const std::int64_t newest = std::max(entry.stamp.mtime_ns, entry.stamp.ctime_ns) / 1000;
  if (clock_.Wall().us - newest < kRacyUs) return;
  new_.push_back({path, entry.stamp, digest});
}

Result<Digest> FileDigests::Get(const std::string& path) {
  DML_TRY(const std::optional<Known> found, Find(path));
  if (found) return found->digest;
  DML_TRY(const Digest digest, HashFile(path));
  Learn(path, digest);
  return digest;
}

bool FileDigests::HasChanged(const std::string& path, const FileStamp& found) {
  const auto now = Look(path);
  if (now.ok() && *now == found) return false;
  // Another task may have looked since, and seen what is there now.
  const auto known = known_.find(path);
  const bool stale = known != known_.end() && !(now.ok() && *now == known->second.stamp);
  if (stale) known_.erase(known);
  return true;
}

std::vector<state::FileEntry> FileDigests::TakeNew() { return std::exchange(new_, {}); }

}  // namespace dml::engine

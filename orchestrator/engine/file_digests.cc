#include "orchestrator/engine/file_digests.h"

#include <fmt/format.h>
#include <glob.h>
#include <sys/stat.h>

#include <cstring>

#include "base/files.h"

namespace dml::engine {

namespace {

constexpr std::int64_t kHashedHereBytesMax = 1 << 20;
constexpr std::int64_t kRacyUs = 2'000'000;

Result<FileStamp> Look(const std::string& path) {
  return StampOf(path, "relative paths start at the folder of the pipeline file");
}

}  // namespace

Result<std::optional<Digest>> FileDigests::Find(const std::string& path) {
  const auto it = known_.find(path);
  if (it != known_.end() && it->second.digest) return it->second.digest;
  DML_TRY(const FileStamp stamp, Look(path));
  known_[path].stamp = stamp;
  DML_TRY(const std::optional<Digest> stored, store_.FindFile(path, stamp));
  if (stored) {
    known_[path].digest = stored;
    return stored;
  }
  if (stamp.size > kHashedHereBytesMax) return std::optional<Digest>();
  DML_TRY(const Digest digest, HashFile(path));
  Learn(path, digest);
  return std::optional<Digest>(digest);
}

void FileDigests::Learn(const std::string& path, const Digest& digest) {
  Entry& entry = known_[path];
  entry.digest = digest;
  const auto after = Look(path);
  // Changed while it was read: good for this run, which reads what it reads, but not for the next.
  if (!after.ok() || !(*after == entry.stamp)) return;
  const std::int64_t newest = std::max(entry.stamp.mtime_ns, entry.stamp.ctime_ns) / 1000;
  if (clock_.Wall().us - newest < kRacyUs) return;
  new_.push_back({path, entry.stamp, digest});
}

Result<Digest> FileDigests::Get(const std::string& path) {
  DML_TRY(const std::optional<Digest> found, Find(path));
  if (found) return *found;
  DML_TRY(const Digest digest, HashFile(path));
  Learn(path, digest);
  return digest;
}

bool FileDigests::HasChanged(const std::string& path) {
  const auto known = known_.find(path);
  if (known == known_.end()) return false;
  const auto now = Look(path);
  if (now.ok() && *now == known->second.stamp) return false;
  known_.erase(known);
  return true;
}

std::vector<state::FileEntry> FileDigests::TakeNew() { return std::exchange(new_, {}); }

Result<std::vector<std::string>> ExpandGlob(const std::string& pattern) {
  if (pattern.find_first_of("*?[") == std::string::npos) return std::vector{pattern};
  glob_t matches{};
  const int status = ::glob(pattern.c_str(), 0, nullptr, &matches);
  std::vector<std::string> paths(matches.gl_pathv, matches.gl_pathv + matches.gl_pathc);
  ::globfree(&matches);
  if (status == GLOB_NOMATCH || (status == 0 && paths.empty())) {
    struct stat info {};
    if (::stat(pattern.c_str(), &info) == 0) return std::vector{pattern};  // a literal bracket
    return Error::Invalid(fmt::format("no file matches '{}'", pattern),
                          "relative patterns start at the folder of the pipeline file");
  }
  if (status != 0) return Error::Environment(fmt::format("cannot list '{}'", pattern));
  return paths;
}

}  // namespace dml::engine

#include "orchestrator/engine/file_inputs.h"

#include <fmt/format.h>
#include <glob.h>
#include <sys/stat.h>

#include <cerrno>
#include <string>
#include <vector>

namespace dml::engine {

namespace {

// File systems stamp times with a granularity of up to two seconds.
constexpr std::int64_t kRacyWindowNs = 2'000'000'000;

std::string Place(const pipelines::Location& where) {
  return fmt::format("{}:{}:{}", where.file, where.line, where.column);
}

std::int64_t Nanoseconds(const timespec& time) {
  return static_cast<std::int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
}

// Sorted, so that parts are read in the order of their names.
std::vector<std::string> Expand(const std::string& pattern) {
  if (pattern.find_first_of("*?[") == std::string::npos) return {pattern};
  glob_t matches{};
  std::vector<std::string> paths;
  if (::glob(pattern.c_str(), GLOB_BRACE, nullptr, &matches) == 0) {
    paths.assign(matches.gl_pathv, matches.gl_pathv + matches.gl_pathc);
  }
  ::globfree(&matches);
  return paths;
}

Result<Digest> HashOne(const std::string& path, state::RunStore& store, WallTime now) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) {
    if (errno == ENOENT) return Error::Invalid(fmt::format("there is no file '{}'", path));
    return Error::System("cannot read '" + path + "'", errno);
  }
  if (S_ISDIR(info.st_mode)) {
    return Error::Invalid(fmt::format("'{}' is a folder", path), "name a file, or a glob in it");
  }
  const state::FileStamp stamp{static_cast<std::int64_t>(info.st_dev),
                               static_cast<std::int64_t>(info.st_ino), info.st_size,
                               Nanoseconds(info.st_mtim), Nanoseconds(info.st_ctim)};
  DML_TRY(const std::optional<Digest> known, store.FindFile(path, stamp));
  if (known) return *known;
  DML_TRY(const Digest digest, HashFile(path));
  if (now.us * 1000 - stamp.ctime_ns > kRacyWindowNs) {
    DML_RETURN_IF_ERROR(store.RememberFile(path, stamp, digest));
  }
  return digest;
}

}  // namespace

Result<Digest> HashFileInput(const pipelines::FileInput& input, state::RunStore& store,
                             WallTime now) {
  const std::vector<std::string> paths = Expand(input.pattern);
  if (paths.empty()) {
    return Error::Invalid(fmt::format("no file matches '{}'", input.pattern))
        .At(Place(input.where));
  }
  Fingerprint all;
  for (const std::string& path : paths) {
    auto digest = HashOne(path, store, now);
    if (!digest.ok()) return std::move(digest).error().At(Place(input.where));
    all.Add("file", *digest);
  }
  return all.Finish();
}

}  // namespace dml::engine

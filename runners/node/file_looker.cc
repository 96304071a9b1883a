#include "runners/node/file_looker.h"

#include <fmt/format.h>
#include <glob.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include "base/file_stamp.h"
#include "base/files.h"
#include "base/json.h"
#include "runners/api/message_fields.h"

namespace dml::node {

namespace fs = std::filesystem;

namespace {

constexpr std::int64_t kRacyUs = 2'000'000;
constexpr std::size_t kMemoryBytesMax = 64U << 20;
// A file that is written all the time gives nothing that could be relied on.
constexpr int kTriesMax = 3;

std::string Plain(const std::string& base, const std::string& path) {
  const fs::path full = fs::path(path).is_absolute() ? fs::path(path) : fs::path(base) / path;
  return full.lexically_normal().string();
}

// Without anything behind its last name.
std::string PlainFolder(const std::string& path) {
  const fs::path plain = fs::path(path).lexically_normal();
  return (plain.has_filename() ? plain : plain.parent_path()).string();
}

bool IsPattern(const std::string& text) { return text.find_first_of("*?[") != std::string::npos; }

// How a pattern that starts at `base` would have it.
std::string NameOf(const std::string& base, const std::string& pattern, const std::string& path) {
  const bool below = !pattern.starts_with('/') && path.starts_with(base + "/");
  return below ? path.substr(base.size() + 1) : path;
}

}  // namespace

std::string LoginHome() {
  const char* home = std::getenv("HOME");
  if (home != nullptr && *home == '/') return home;
  const passwd* entry = ::getpwuid(::geteuid());
  return entry == nullptr ? "/" : entry->pw_dir;
}

Result<std::vector<std::string>> ExpandFrom(const std::string& base, const std::string& pattern) {
  const std::string full = Plain(base, pattern);
  if (!IsPattern(pattern)) return std::vector{full};
  glob_t matches{};
  const int status = ::glob(full.c_str(), 0, nullptr, &matches);
  std::vector<std::string> paths(matches.gl_pathv, matches.gl_pathv + matches.gl_pathc);
  ::globfree(&matches);
  if (status == GLOB_NOMATCH || (status == 0 && paths.empty())) {
    struct stat info {};
    if (::stat(full.c_str(), &info) == 0) return std::vector{full};  // a literal bracket
    return Error::Invalid(fmt::format("no file matches '{}'", pattern));
  }
  if (status != 0) return Error::Environment(fmt::format("cannot list '{}'", pattern));
  if (paths.size() > kLookedFilesMax) {
    return Error::Invalid(
        fmt::format("{} files match '{}', more than {}", paths.size(), pattern, kLookedFilesMax),
        "pack many small files into one");
  }
  return paths;
}

// Of another version, or damaged: then it is as good as none.
KnownDigests::KnownDigests(std::string file) : file_(std::move(file)) {
  if (file_.empty()) return;
  const auto text = ReadFileUpTo(file_, kMemoryBytesMax);
  auto read = text.ok() ? runners::Unpack<std::vector<runners::RemoteFile>>(*text)
                        : Result<std::vector<runners::RemoteFile>>(text.error());
  if (!read.ok()) return;
  for (runners::RemoteFile& one : *read) {
    entries_.insert_or_assign(std::move(one.path), Entry{one.stamp, one.digest});
  }
}

const Digest* KnownDigests::Find(const std::string& path, const FileStamp& stamp) const {
  const auto found = entries_.find(path);
  return found != entries_.end() && found->second.stamp == stamp ? &found->second.digest : nullptr;
}

void KnownDigests::Learn(const std::string& path, const FileStamp& stamp, const Digest& digest,
                         WallTime now) {
  if (now.us - std::max(stamp.mtime_ns, stamp.ctime_ns) / 1000 < kRacyUs) return;
  if (entries_.size() >= kMax && !entries_.contains(path)) entries_.clear();
  entries_.insert_or_assign(path, Entry{stamp, digest});
  changed_ = true;
}

void KnownDigests::Save() {
  if (!std::exchange(changed_, false) || file_.empty()) return;
  std::vector<runners::RemoteFile> list;
  list.reserve(entries_.size());
  for (const auto& [path, entry] : entries_) list.push_back({"", path, entry.stamp, entry.digest});
  static_cast<void>(WriteFileAtomic(file_, runners::Pack(list)));
}

FileLooker::FileLooker(const std::string& base, std::string memory,
                       std::function<void(std::uint64_t, Looked)> done)
    : base_(PlainFolder(base)),
      done_(std::move(done)),
      known_(std::move(memory)),
      thread_([this] { Work(); }) {}

FileLooker::~FileLooker() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
    stop_.request_stop();
  }
  changed_.notify_one();
}

void FileLooker::Add(std::uint64_t asker, Look look) {
  {
    const std::lock_guard lock(mutex_);
    jobs_.push_back({asker, std::move(look)});
  }
  changed_.notify_one();
}

void FileLooker::Cancel(std::uint64_t asker) {
  const std::lock_guard lock(mutex_);
  std::erase_if(jobs_, [&](const Job& job) { return job.asker == asker; });
  if (asker_ == asker) stop_.request_stop();
}

void FileLooker::Work() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return closing_ || !jobs_.empty(); });
    if (closing_) return;
    const Job job = std::move(jobs_.front());
    jobs_.pop_front();
    asker_ = job.asker;
    stop_ = std::stop_source();
    const std::stop_token stop = stop_.get_token();
    lock.unlock();
    Looked looked = Answer(job.look, stop);
    known_.Save();
    if (!stop.stop_requested()) done_(job.asker, std::move(looked));
    lock.lock();
    asker_ = 0;
  }
}

Looked FileLooker::Answer(const Look& look, const std::stop_token& stop) {
  Looked looked;
  looked.id = look.id;
  auto files = Files(look.pattern, stop);
  if (files.ok()) {
    looked.files = std::move(files).value();
    return looked;
  }
  looked.error = std::move(files).error();
  if (looked.error.hint.empty() && !look.pattern.starts_with('/')) {
    looked.error.hint = "relative paths start at the home folder there, " + base_;
  }
  return looked;
}

Result<std::vector<runners::RemoteFile>> FileLooker::Files(const std::string& pattern,
                                                           const std::stop_token& stop) {
  DML_TRY(const std::vector<std::string> paths, ExpandFrom(base_, pattern));
  std::vector<runners::RemoteFile> files;
  std::size_t bytes = 0;
  for (const std::string& path : paths) {
    runners::RemoteFile file{NameOf(base_, pattern, path), path, {}, {}};
    bytes += file.name.size() + file.path.size();
    if (bytes > kLookedBytesMax) {
      return Error::Invalid(fmt::format("the names of the files that match '{}' are too long in "
                                        "all",
                                        pattern),
                            "pack many small files into one");
    }
    DML_RETURN_IF_ERROR(Hash(file, stop));
    files.push_back(std::move(file));
  }
  return files;
}

// Stamp and digest of one state of the file.
Result<void> FileLooker::Hash(runners::RemoteFile& file, const std::stop_token& stop) {
  DML_TRY(file.stamp, StampOf(file.path));
  for (int tries = 0; tries < kTriesMax; ++tries) {
    if (const Digest* known = known_.Find(file.path, file.stamp)) {
      file.digest = *known;
      return {};
    }
    DML_TRY(file.digest, HashFile(file.path, stop));
    const FileStamp before = file.stamp;
    DML_TRY(file.stamp, StampOf(file.path));
    if (file.stamp != before) continue;
    known_.Learn(file.path, file.stamp, file.digest, clock_.Wall());
    return {};
  }
  return Error::Environment(fmt::format("the file '{}' changes all the time", file.path),
                            "a file that goes on changing has to be copied first");
}

}  // namespace dml::node

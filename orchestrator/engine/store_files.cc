#include "orchestrator/engine/store_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <mutex>
#include <set>

#include "base/disk_space.h"
#include "base/files.h"
#include "base/process.h"
#include "base/sealed_file.h"

namespace dml::engine {

namespace {

namespace fs = std::filesystem;

bool IsSealed(const struct stat& info) {
  return IsSealTime(info.st_mtim.tv_sec, info.st_mtim.tv_nsec);
}

// <store>/blobs/ab/abcd... -> <store>/tmp/...; see SweepTemporaries(). One per thread.
std::string TemporaryFor(const std::string& blob) {
  const fs::path store = fs::path(blob).parent_path().parent_path().parent_path();
  const ProcessId self = ThisProcess();
  return fmt::format("{}/tmp/{}-{}-{}", store.string(), self.pid, self.start, ::gettid());
}

// For file systems without hard links, and for a store on another one.
Result<void> CopyDurably(const std::string& from, const std::string& to) {
  const std::string temporary = TemporaryFor(to);
  std::error_code error;
  fs::copy_file(from, temporary, fs::copy_options::overwrite_existing, error);
  if (!error) {
    Seal(temporary);
    if (auto synced = DiskFiles().Sync(temporary); !synced.ok()) {
      ::unlink(temporary.c_str());
      return synced;
    }
    if (::rename(temporary.c_str(), to.c_str()) == 0) return {};
    error = std::error_code(errno, std::generic_category());
  }
  // To the library a copy that ends half-way is an error of the device, whatever ended it.
  const bool full = error.value() == EIO && IsFull(fs::path(temporary).parent_path().string());
  ::unlink(temporary.c_str());
  return WriteError("cannot copy '" + from + "' into the store", to, full ? ENOSPC : error.value());
}

// Returns errno, 0 on success. The name `blob` never stands for nothing: somebody may be reading.
int LinkOver(const std::string& path, const std::string& blob) {
  const std::string temporary = TemporaryFor(blob);
  ::unlink(temporary.c_str());
  if (::link(path.c_str(), temporary.c_str()) != 0) return errno;
  const int code = ::rename(temporary.c_str(), blob.c_str()) == 0 ? 0 : errno;
  ::unlink(temporary.c_str());  // rename() leaves it if both were one file already
  return code;
}

// Folders of blobs whose own names are on the disk, as far as this process has seen to it.
class LastingFolders {
 public:
  // Whoever made a folder that is there may have died before its name was lasting: the first time
  // it is synced all the same.
  Result<void> Make(const std::string& folder) {
    std::error_code ignored;
    if (fs::is_directory(folder, ignored)) {
      const std::lock_guard lock(mutex_);
      if (known_.contains(folder)) return {};
    } else {
      DML_RETURN_IF_ERROR(MakeDirectories(folder));
    }
    DML_RETURN_IF_ERROR(SyncDirectory(fs::path(folder).parent_path().string()));
    const std::lock_guard lock(mutex_);
    known_.insert(folder);
    return {};
  }

 private:
  std::mutex mutex_;
  std::set<std::string> known_;  // guarded by mutex_; a store has 256
};

class Disk final : public StoreFiles {
 public:
  [[nodiscard]] Result<std::optional<std::vector<ArtifactFile>>> List(
      const std::string& folder) const override {
    std::error_code error;
    if (!fs::is_directory(fs::symlink_status(folder, error)))
      return std::optional<std::vector<ArtifactFile>>();
    std::vector<ArtifactFile> files;
    fs::recursive_directory_iterator it(folder, error);
    for (; !error && it != fs::end(it); it.increment(error)) {
      const std::string path = it->path().string();
      struct stat info {};
      if (::lstat(path.c_str(), &info) != 0) {
        return Error::System("cannot read '" + path + "'", errno);
      }
      if (S_ISDIR(info.st_mode)) continue;
      if (!S_ISREG(info.st_mode)) {
        return Error::Task(
            fmt::format("the output '{}' is not a regular file", path.substr(folder.size() + 1)),
            "write files and folders, not links");
      }
      files.push_back({path.substr(folder.size() + 1), path, info.st_size, {}});
    }
    if (error) return Error::System("cannot list '" + folder + "'", error.value());
    std::ranges::sort(files, {}, &ArtifactFile::name);
    return std::optional(std::move(files));
  }

  [[nodiscard]] Result<Digest> Hash(const std::string& path) const override {
    return HashFile(path);
  }

  [[nodiscard]] BlobState Look(const std::string& blob, std::int64_t size,
                               const Digest& digest) const override {
    struct stat info {};
    if (::stat(blob.c_str(), &info) != 0) return BlobState::kGone;
    if (info.st_size != size) return BlobState::kDamaged;
    if (IsSealed(info)) return BlobState::kWhole;
    const auto found = HashFile(blob);
    if (!found.ok() || *found != digest) return BlobState::kDamaged;
    Seal(blob);
    return BlobState::kWhole;
  }

  Result<void> Sync(const std::string& path) override {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return Error::System("cannot open '" + path + "'", errno);
    const int status = ::fsync(fd);
    const int code = errno;
    ::close(fd);
    if (status != 0) return WriteError("cannot sync '" + path + "'", path, code);
    return {};
  }

  Result<void> Adopt(const std::string& path, const std::string& blob) override {
    DML_RETURN_IF_ERROR(folders_.Make(fs::path(blob).parent_path().string()));
    Seal(path);
    int code = ::link(path.c_str(), blob.c_str()) == 0 ? 0 : errno;
    if (code == EEXIST) {
      // Two files of one digest are one file: somebody was faster, or it is damaged.
      struct stat there {};
      struct stat mine {};
      const bool same = ::stat(blob.c_str(), &there) == 0 && ::stat(path.c_str(), &mine) == 0 &&
                        there.st_size == mine.st_size && IsSealed(there);
      if (same) return {};
      code = LinkOver(path, blob);
    }
    if (code == EXDEV || code == EPERM || code == EOPNOTSUPP || code == EMLINK) {
      return CopyDurably(path, blob);
    }
    if (code != 0) return WriteError("cannot move '" + path + "' into the store", blob, code);
    return {};
  }

  Result<void> SyncFolder(const std::string& path) override { return SyncDirectory(path); }

 private:
  LastingFolders folders_;
};

}  // namespace

StoreFiles& DiskFiles() {
  static Disk disk;
  return disk;
}

}  // namespace dml::engine

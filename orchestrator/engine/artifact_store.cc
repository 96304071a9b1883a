#include "orchestrator/engine/artifact_store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <filesystem>
#include <mutex>
#include <set>
#include <thread>

#include "base/files.h"

namespace dml::engine {

namespace {

constexpr std::size_t kThreadsMax = 4;

Error DiskError(const std::string& action, int code) {
  Error error = Error::System(action, code);
  if (code == ENOSPC || code == EDQUOT) error.hint = "free space on this disk and run again";
  return error;
}

Result<void> SyncFile(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return DiskError("cannot open '" + path + "'", errno);
  const int status = ::fsync(fd);
  const int code = errno;
  ::close(fd);
  if (status != 0) return DiskError("cannot sync '" + path + "'", code);
  return {};
}

// The regular files below `folder`, by name.
Result<std::vector<ArtifactFile>> ListFiles(const std::string& folder) {
  std::vector<ArtifactFile> files;
  std::error_code error;
  std::filesystem::recursive_directory_iterator it(folder, error);
  for (; !error && it != std::filesystem::end(it); it.increment(error)) {
    const std::string path = it->path().string();
    struct stat info {};
    if (::lstat(path.c_str(), &info) != 0)
      return Error::System("cannot read '" + path + "'", errno);
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
  return files;
}

Digest DigestOf(const std::vector<ArtifactFile>& files) {
  Fingerprint fingerprint;
  for (const ArtifactFile& file : files) {
    fingerprint.Add("name", file.name);
    fingerprint.Add("size", std::to_string(file.size));
    fingerprint.Add("content", file.digest);
  }
  return fingerprint.Finish();
}

Duration Since(Instant start) { return SystemClock().Now() - start; }

}  // namespace

Result<std::vector<Artifact>> ArtifactStore::Commit(const std::string& attempt_path,
                                                    std::span<const PortSpec> outputs,
                                                    CommitCost& cost) const {
  std::vector<Artifact> artifacts;
  for (const PortSpec& port : outputs) {
    const std::string folder = attempt_path + "/out/" + port.name;
    std::error_code ignored;
    if (!std::filesystem::is_directory(folder, ignored)) {
      if (!port.required) continue;
      return Error::Task(fmt::format("it left no output '{}'", port.name));
    }
    DML_TRY(Artifact artifact, CommitPort(folder, port, cost));
    artifacts.push_back(std::move(artifact));
  }
  return artifacts;
}

Result<Artifact> ArtifactStore::CommitPort(const std::string& folder, const PortSpec& port,
                                           CommitCost& cost) const {
  DML_TRY(std::vector<ArtifactFile> files, ListFiles(folder));
  std::atomic<std::size_t> next = 0;
  std::mutex mutex;
  std::optional<Error> failure;  // guarded by mutex, as is cost
  const auto work = [&] {
    CommitCost own;
    for (std::size_t i = next++; i < files.size(); i = next++) {
      auto committed = CommitFile(files[i], own);
      if (committed.ok()) continue;
      const std::lock_guard lock(mutex);
      if (!failure) failure = std::move(committed).error();
    }
    const std::lock_guard lock(mutex);
    cost.bytes += own.bytes;
    cost.files += own.files;
    cost.hashing = cost.hashing + own.hashing;
    cost.syncing = cost.syncing + own.syncing;
  };
  {
    std::vector<std::jthread> threads;
    const std::size_t count = std::min(kThreadsMax, files.size());
    for (std::size_t i = 1; i < count; ++i) threads.emplace_back(work);
    work();
  }
  if (failure) return std::move(*failure);
  std::set<std::string> folders;
  for (const ArtifactFile& file : files) {
    folders.insert(std::filesystem::path(file.path).parent_path().string());
  }
  const Instant start = SystemClock().Now();
  for (const std::string& path : folders) DML_RETURN_IF_ERROR(SyncDirectory(path));
  cost.syncing = cost.syncing + Since(start);
  const Digest digest = DigestOf(files);
  return Artifact{port.name, port.kind, std::move(files), digest};
}

Result<void> ArtifactStore::CommitFile(ArtifactFile& file, CommitCost& cost) const {
  Instant start = SystemClock().Now();
  DML_TRY(file.digest, HashFile(file.path));
  cost.hashing = cost.hashing + Since(start);
  cost.bytes += file.size;
  ++cost.files;

  start = SystemClock().Now();
  const std::string blob = home_.BlobPath(file.digest);
  struct stat info {};
  const bool known = ::stat(blob.c_str(), &info) == 0 && info.st_size == file.size;
  if (!known) {
    DML_RETURN_IF_ERROR(SyncFile(file.path));
    ::chmod(file.path.c_str(), 0444);
    const std::string folder = std::filesystem::path(blob).parent_path().string();
    DML_RETURN_IF_ERROR(MakeDirectories(folder));
    if (::rename(file.path.c_str(), blob.c_str()) != 0) {
      return DiskError("cannot move '" + file.path + "' into the store", errno);
    }
  }
  file.path = blob;
  cost.syncing = cost.syncing + Since(start);
  return {};
}

bool ArtifactStore::Holds(const std::vector<Artifact>& artifacts) const {
  for (const Artifact& artifact : artifacts) {
    for (const ArtifactFile& file : artifact.files) {
      struct stat info {};
      const std::string blob = home_.BlobPath(file.digest);
      if (::stat(blob.c_str(), &info) != 0 || info.st_size != file.size) return false;
    }
  }
  return true;
}

void ArtifactStore::Locate(std::vector<Artifact>& artifacts) const {
  for (Artifact& artifact : artifacts) {
    for (ArtifactFile& file : artifact.files) file.path = home_.BlobPath(file.digest);
  }
}

void DiscardAttempt(const std::string& attempt_path) {
  std::error_code ignored;
  std::filesystem::remove_all(attempt_path, ignored);
  ::rmdir(std::filesystem::path(attempt_path).parent_path().c_str());
}

}  // namespace dml::engine

#include "orchestrator/engine/artifact_store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <filesystem>

#include "base/files.h"

namespace dml::engine {

namespace fs = std::filesystem;

namespace {

// Adds the time until its end to a duration.
class Stopwatch {
 public:
  explicit Stopwatch(Duration& total) : total_(total) {}
  ~Stopwatch() {
    const auto passed = std::chrono::steady_clock::now() - start_;
    total_.ns += std::chrono::duration_cast<std::chrono::nanoseconds>(passed).count();
  }
  Stopwatch(const Stopwatch&) = delete;
  Stopwatch& operator=(const Stopwatch&) = delete;

 private:
  Duration& total_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

Result<void> SyncFile(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return Error::System("cannot open '" + path + "'", errno);
  const int status = ::fsync(fd);
  const int saved = errno;
  ::close(fd);
  if (status != 0) return Error::System("cannot sync '" + path + "'", saved);
  return {};
}

// The regular files below `root`, with names relative to it, sorted. Symbolic links are refused:
// what they point at would not be in the store.
Result<std::vector<ArtifactFile>> ListFiles(const std::string& root) {
  std::vector<ArtifactFile> files;
  std::error_code error;
  for (fs::recursive_directory_iterator it(root, error), end; it != end; it.increment(error)) {
    if (error) break;
    if (it->is_symlink()) {
      return Error::Task(fmt::format("the output '{}' is a symbolic link", it->path().string()),
                         "write a file, or declare the file it points at");
    }
    if (!it->is_regular_file()) continue;
    files.push_back({fs::relative(it->path(), root).string(),
                     it->path().string(),
                     static_cast<std::int64_t>(it->file_size()),
                     {}});
  }
  if (error) return Error::System("cannot list '" + root + "'", error.value());
  std::ranges::sort(files, {}, &ArtifactFile::name);
  return files;
}

Digest DigestOf(const Artifact& artifact) {
  Fingerprint fingerprint;
  for (const ArtifactFile& file : artifact.files) {
    fingerprint.Add(file.name, file.digest).Add("size", std::to_string(file.size));
  }
  return fingerprint.Finish();
}

}  // namespace

Result<void> ArtifactStore::Store(ArtifactFile& file, CommittedOutputs& out) const {
  {
    const Stopwatch watch(out.hashing);
    DML_TRY(file.digest, HashFile(file.path));
  }
  const Stopwatch watch(out.syncing);
  const std::string blob = home_.blob_path(file.digest);
  const std::string folder = fs::path(blob).parent_path().string();
  DML_RETURN_IF_ERROR(MakeDirectories(folder));
  DML_RETURN_IF_ERROR(SyncFile(file.path));
  ::chmod(file.path.c_str(), 0444);
  if (::rename(file.path.c_str(), blob.c_str()) != 0) {
    return Error::System("cannot move '" + file.path + "' into the store", errno);
  }
  DML_RETURN_IF_ERROR(SyncDirectory(folder));
  file.path = blob;
  out.bytes += file.size;
  return {};
}

Result<CommittedOutputs> ArtifactStore::Commit(const std::string& attempt_dir,
                                               const std::vector<PortSpec>& ports) const {
  CommittedOutputs out;
  for (const PortSpec& port : ports) {
    Artifact artifact{port.name, port.kind, {}, {}};
    const std::string root = attempt_dir + "/out/" + port.name;
    if (fs::exists(root)) {
      DML_TRY(artifact.files, ListFiles(root));
      for (ArtifactFile& file : artifact.files) DML_RETURN_IF_ERROR(Store(file, out));
    } else if (port.required) {
      return Error::Task(fmt::format("the output '{}' was not written", port.name));
    }
    artifact.digest = DigestOf(artifact);
    out.artifacts.push_back(std::move(artifact));
  }
  Discard(attempt_dir);
  return out;
}

bool ArtifactStore::Locate(std::vector<Artifact>& artifacts) const {
  for (Artifact& artifact : artifacts) {
    for (ArtifactFile& file : artifact.files) {
      file.path = home_.blob_path(file.digest);
      struct stat info {};
      if (::stat(file.path.c_str(), &info) != 0 || info.st_size != file.size) return false;
    }
  }
  return true;
}

void ArtifactStore::Discard(const std::string& attempt_dir) const {
  std::error_code ignored;
  fs::remove_all(attempt_dir, ignored);
  fs::remove(fs::path(attempt_dir).parent_path(), ignored);  // the task's folder, once empty
}

}  // namespace dml::engine

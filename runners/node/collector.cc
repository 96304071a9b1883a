#include "runners/node/collector.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <set>
#include <utility>

#include "runners/api/executables.h"

namespace dml::node {

namespace fs = std::filesystem;

namespace {

// Symbolic links are not followed: an output is what the attempt wrote, not what it points at.
Result<std::vector<ArtifactFile>> CollectPort(const BlobCache& blobs, const CollectJob& job,
                                              const PortSpec& port) {
  std::optional<SharedBlobs> shared;
  if (!job.shared_dir.empty()) shared.emplace(job.shared_dir);
  std::vector<ArtifactFile> files;
  std::error_code error;
  const fs::path root = fs::path(job.folder) / "out" / port.name;
  if (!fs::is_directory(fs::symlink_status(root, error))) {
    if (!port.required) return files;
    return Error::Task(fmt::format("it left no output '{}'", port.name));
  }
  for (fs::recursive_directory_iterator it(root, error); !error && it != fs::end(it);
       it.increment(error)) {
    std::error_code problem;
    const fs::file_status status = it->symlink_status(problem);
    if (fs::is_directory(status)) continue;
    const std::string path = it->path().string();
    if (!fs::is_regular_file(status)) {
      return Error::Task(fmt::format("the output '{}' is not a regular file",
                                     path.substr(root.string().size() + 1)),
                         "write files and folders, not links");
    }
    ArtifactFile file;
    file.name = port.name + path.substr(root.string().size());
    file.size = static_cast<std::int64_t>(it->file_size(problem));
    if (problem) return Error::System("cannot read '" + path + "'", problem.value());
    DML_TRY(file.digest, HashFile(path));
    DML_RETURN_IF_ERROR(blobs.Ingest(path, file.digest));
    // If that fails, it goes by the wire.
    if (shared) static_cast<void>(shared->Put(path, file.digest));
    files.push_back(std::move(file));
  }
  if (error) return Error::System("cannot list '" + root.string() + "'", error.value());
  std::ranges::sort(files, {}, &ArtifactFile::name);
  return files;
}

Result<std::vector<ArtifactFile>> CollectAll(const BlobCache& blobs, const CollectJob& job) {
  std::vector<ArtifactFile> all;
  DML_TRY(const std::set<std::string> executables, runners::ReadExecutables(job.folder));
  for (const PortSpec& port : job.outputs) {
    DML_TRY(std::vector<ArtifactFile> files, CollectPort(blobs, job, port));
    for (ArtifactFile& file : files) file.executable = executables.contains(file.name);
    std::ranges::move(files, std::back_inserter(all));
  }
  return all;
}

}  // namespace

Collector::Collector(const BlobCache& blobs, std::function<void(Collected)> done)
    : blobs_(blobs), done_(std::move(done)), thread_([this] { Work(); }) {}

Collector::~Collector() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  changed_.notify_one();
}

void Collector::Add(CollectJob job) {
  {
    const std::lock_guard lock(mutex_);
    jobs_.push_back(std::move(job));
  }
  changed_.notify_one();
}

void Collector::Work() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return closing_ || !jobs_.empty(); });
    if (closing_) return;  // the next agent collects again
    CollectJob job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    auto outputs = CollectAll(blobs_, job);
    done_({std::move(job.exited), std::move(outputs)});
    lock.lock();
  }
}

}  // namespace dml::node

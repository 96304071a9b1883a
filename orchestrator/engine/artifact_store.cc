#include "orchestrator/engine/artifact_store.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <mutex>
#include <set>
#include <thread>

#include "base/crash_point.h"
#include "runners/api/executables.h"

namespace dml::engine {

namespace {

Digest DigestOf(const std::vector<ArtifactFile>& files) {
  Fingerprint fingerprint;
  for (const ArtifactFile& file : files) {
    fingerprint.Add("name", file.name);
    fingerprint.Add("size", std::to_string(file.size));
    fingerprint.Add("content", file.digest);
    if (file.executable) fingerprint.Add("mode", "executable");
  }
  return fingerprint.Finish();
}

Duration Since(Instant start) { return SystemClock().Now() - start; }

}  // namespace

Result<std::vector<Artifact>> ArtifactStore::Commit(const std::string& attempt_path,
                                                    std::span<const PortSpec> outputs,
                                                    CommitCost& cost) const {
  std::vector<Artifact> artifacts;
  DML_TRY(const std::set<std::string> executables, runners::ReadExecutables(attempt_path));
  for (const PortSpec& port : outputs) {
    DML_TRY(auto files, disk_.List(attempt_path + "/out/" + port.name));
    if (!files) {
      if (!port.required) continue;
      return Error::Task(fmt::format("it left no output '{}'", port.name));
    }
    for (ArtifactFile& file : *files) {
      file.executable = executables.contains(port.name + "/" + file.name);
    }
    DML_TRY(Artifact artifact, CommitPort(std::move(*files), port, cost));
    artifacts.push_back(std::move(artifact));
  }
  return artifacts;
}

Result<Artifact> ArtifactStore::CommitPort(std::vector<ArtifactFile> files, const PortSpec& port,
                                           CommitCost& cost) const {
  DML_RETURN_IF_ERROR(CommitFiles(files, cost));
  std::set<std::string> folders;
  for (const ArtifactFile& file : files) {
    folders.insert(std::filesystem::path(file.path).parent_path().string());
  }
  const Instant start = SystemClock().Now();
  for (const std::string& path : folders) DML_RETURN_IF_ERROR(disk_.SyncFolder(path));
  cost.syncing = cost.syncing + Since(start);
  const Digest digest = DigestOf(files);
  return Artifact{port.name, port.kind, std::move(files), digest};
}

Result<void> ArtifactStore::CommitFiles(std::vector<ArtifactFile>& files, CommitCost& cost) const {
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
    const std::size_t count = std::min(static_cast<std::size_t>(threads_max_), files.size());
    for (std::size_t i = 1; i < count; ++i) threads.emplace_back(work);
    work();
  }
  if (failure) return std::move(*failure);
  return {};
}

Result<void> ArtifactStore::CommitFile(ArtifactFile& file, CommitCost& cost) const {
  Instant start = SystemClock().Now();
  DML_TRY(file.digest, disk_.Hash(file.path));
  cost.hashing = cost.hashing + Since(start);
  cost.bytes += file.size;
  ++cost.files;

  start = SystemClock().Now();
  const std::string blob = home_.BlobPath(file.digest);
  if (disk_.Look(blob, file.size, file.digest) != BlobState::kWhole) {
    DML_RETURN_IF_ERROR(disk_.Sync(file.path));
    CrashPoint("commit.synced");
    DML_RETURN_IF_ERROR(disk_.Adopt(file.path, blob));
    CrashPoint("commit.linked");
  }
  file.path = blob;
  cost.syncing = cost.syncing + Since(start);
  return {};
}

BlobState ArtifactStore::Look(const std::vector<Artifact>& artifacts) const {
  for (const Artifact& artifact : artifacts) {
    for (const ArtifactFile& file : artifact.files) {
      const BlobState state = disk_.Look(home_.BlobPath(file.digest), file.size, file.digest);
      if (state != BlobState::kWhole) return state;
    }
  }
  return BlobState::kWhole;
}

void ArtifactStore::Locate(std::vector<Artifact>& artifacts) const {
  for (Artifact& artifact : artifacts) {
    for (ArtifactFile& file : artifact.files) file.path = home_.BlobPath(file.digest);
  }
}

void DiscardAttempt(const std::string& attempt_path) {
  // Most attempts leave nothing: one call says so.
  if (::rmdir(attempt_path.c_str()) != 0 && errno == ENOENT) return;
  std::error_code ignored;
  std::filesystem::remove_all(attempt_path, ignored);
  ::rmdir(std::filesystem::path(attempt_path).parent_path().c_str());
}

}  // namespace dml::engine

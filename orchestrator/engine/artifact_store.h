#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/artifact.h"
#include "base/result.h"
#include "orchestrator/engine/home.h"
#include "orchestrator/engine/observer.h"
#include "orchestrator/engine/store_files.h"

namespace dml::engine {

// Immutable files named by their SHA-256, under <home>/store/blobs. Thread-safe: it has no state.
class ArtifactStore {
 public:
  // `threads_max`: how many files are worked on at once.
  explicit ArtifactStore(const Home& home, StoreFiles& files = DiskFiles(), int threads_max = 4)
      : home_(home), disk_(files), threads_max_(threads_max) {}

  // Takes the files of <attempt>/out/<port>/ into the store: hash, fsync, link, fsync of the
  // folders. When it returns, the outputs survive a crash of the machine. The attempt's folder
  // keeps its files, so that doing it again after a crash in the middle gives the same. A missing
  // output is kTask; a full disk is kEnvironment. The times in `cost` are sums over threads.
  Result<std::vector<Artifact>> Commit(const std::string& attempt_path,
                                       std::span<const PortSpec> outputs, CommitCost& cost) const;

  // Whether every file is there and is what was stored, as far as its seal tells; else what is
  // wrong with the first that is not.
  [[nodiscard]] BlobState Look(const std::vector<Artifact>& artifacts) const;
  [[nodiscard]] bool Holds(const std::vector<Artifact>& artifacts) const {
    return Look(artifacts) == BlobState::kWhole;
  }
  // Fills in where the files are.
  void Locate(std::vector<Artifact>& artifacts) const;

 private:
  Result<Artifact> CommitPort(std::vector<ArtifactFile> files, const PortSpec& port,
                              CommitCost& cost) const;
  Result<void> CommitFiles(std::vector<ArtifactFile>& files, CommitCost& cost) const;
  Result<void> CommitFile(ArtifactFile& file, CommitCost& cost) const;

  Home home_;
  StoreFiles& disk_;
  int threads_max_;
};

// Removes the folder of an attempt, and that of its task if it is then empty. What cannot be
// removed stays: garbage collection finds it.
void DiscardAttempt(const std::string& attempt_path);

}  // namespace dml::engine

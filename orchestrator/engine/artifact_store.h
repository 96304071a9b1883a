#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/artifact.h"
#include "base/result.h"
#include "orchestrator/engine/home.h"
#include "orchestrator/engine/observer.h"

namespace dml::engine {

// Immutable files named by their SHA-256, under <home>/store/blobs. Thread-safe: it has no state.
class ArtifactStore {
 public:
  explicit ArtifactStore(const Home& home) : home_(home) {}

  // Moves the files of <attempt>/out/<port>/ into the store: hash, fsync, rename, fsync of the
  // folders. When it returns, the outputs survive a crash of the machine. Doing it again after a
  // crash in the middle is harmless. A missing output is kTask; a full disk is kEnvironment.
  // Several files are worked on at once; the times in `cost` are sums over threads.
  Result<std::vector<Artifact>> Commit(const std::string& attempt_path,
                                       std::span<const PortSpec> outputs, CommitCost& cost) const;

  // Whether every file is there and has its size.
  [[nodiscard]] bool Holds(const std::vector<Artifact>& artifacts) const;
  // Fills in where the files are.
  void Locate(std::vector<Artifact>& artifacts) const;

 private:
  Result<Artifact> CommitPort(const std::string& folder, const PortSpec& port,
                              CommitCost& cost) const;
  Result<void> CommitFile(ArtifactFile& file, CommitCost& cost) const;

  Home home_;
};

// Removes the folder of an attempt, and that of its task if it is then empty. What cannot be
// removed stays: garbage collection finds it.
void DiscardAttempt(const std::string& attempt_path);

}  // namespace dml::engine

#pragma once

#include <string>
#include <vector>

#include "base/artifact.h"
#include "base/clock.h"
#include "base/result.h"
#include "orchestrator/engine/home.h"

namespace dml::engine {

// What a commit produced and what it cost.
struct CommittedOutputs {
  std::vector<Artifact> artifacts;
  Duration hashing{0};
  Duration syncing{0};  // fsync and rename
  std::int64_t bytes = 0;
};

// The content-addressed store of blobs. Thread-safe: blobs are immutable and renames atomic, so two
// commits of equal content meet harmlessly.
class ArtifactStore {
 public:
  explicit ArtifactStore(Home home) : home_(std::move(home)) {}

  // Moves <attempt_dir>/out/<port>/** of every port into the store: hash, fsync, rename, fsync of
  // the folder. Afterwards the attempt folder is gone. Idempotent up to the first rename; a port
  // without files is an artifact without files. A required port that is missing is kTask.
  Result<CommittedOutputs> Commit(const std::string& attempt_dir,
                                  const std::vector<PortSpec>& ports) const;

  // Whether every blob of the artifacts is there, with its size. Fills in the file paths.
  [[nodiscard]] bool Locate(std::vector<Artifact>& artifacts) const;

  // Removes whatever a failed attempt left.
  void Discard(const std::string& attempt_dir) const;

 private:
  Result<void> Store(ArtifactFile& file, CommittedOutputs& out) const;

  Home home_;
};

}  // namespace dml::engine

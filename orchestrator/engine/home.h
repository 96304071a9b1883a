#pragma once

#include <optional>
#include <string>

#include "base/hash.h"
#include "base/ids.h"
#include "base/result.h"
#include "orchestrator/engine/file_lock.h"

namespace dml::engine {

// The folder where everything lasting lives; see docs/architecture.md for its inside. A value: the
// paths of things, with the folder known to exist and, unless somebody only asks, to be writable.
class Home {
 public:
  // `wanted` (--home or DML_HOME) if it is not empty, else the nearest `.dml` from `directory`
  // upwards, else a new `.dml` in `directory`. kEnvironment if it cannot be written.
  // `shared_cache` (DML_CACHE): a folder that several homes keep their results in; the home's store
  // is then a link to it, for good. kInvalid if the home has results of its own.
  static Result<Home> Open(const std::string& wanted, const std::string& directory,
                           const std::string& shared_cache = {});
  // The same for commands that only ask, and keep what they find out if they can: a home that
  // cannot be written is left as it is, and read_only().
  static Result<Home> OpenToAsk(const std::string& wanted, const std::string& directory,
                                const std::string& shared_cache = {});
  // The same search without creating anything, for commands that only read.
  static std::string Locate(const std::string& wanted, const std::string& directory);

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] bool read_only() const { return read_only_; }
  [[nodiscard]] std::string DatabasePath() const { return path_ + "/dml.db"; }
  [[nodiscard]] std::string BlobFolder() const { return path_ + "/store/blobs"; }
  [[nodiscard]] std::string BlobPath(const Digest& digest) const;
  [[nodiscard]] std::string RunPath(RunId run) const;
  // Held for as long as a process drives the run.
  [[nodiscard]] std::string RunLockPath(RunId run) const { return RunLockPath(path_, run); }
  static std::string RunLockPath(const std::string& home, RunId run);
  // Held by whoever runs this pipeline, unless concurrent runs of it were asked for. One file has
  // one, whatever links lead to it.
  [[nodiscard]] std::string PipelineLockPath(const std::string& pipeline_file) const;
  // Held while a run comes into being or is taken up: no run is ever seen without its owner.
  [[nodiscard]] std::string GateLockPath() const { return path_ + "/locks/gate"; }
  // Whether the store is one that several homes share, and the index of what is in it.
  [[nodiscard]] bool shared() const;
  [[nodiscard]] std::string SharedIndexPath() const { return path_ + "/store/index.db"; }
  // Who is making which result of the store; see key_locks.h.
  [[nodiscard]] std::string FlightFolder() const { return path_ + "/store/flights"; }
  // Files on their way into the store, named after their writer.
  [[nodiscard]] std::string TemporaryPath() const { return path_ + "/store/tmp"; }
  // Private to one attempt; nobody creates it before something is written there.
  [[nodiscard]] std::string AttemptPath(RunId run, const std::string& task,
                                        AttemptNumber attempt) const;
  // Survives the attempts of a task. Equal tasks go on with each other's work, also in later runs;
  // one that is to run whatever has been done (`alone`) has only its own.
  [[nodiscard]] std::string CheckpointPath(const Digest& key, RunId run, TaskId task,
                                           bool alone) const;
  [[nodiscard]] std::string CheckpointFolder() const { return path_ + "/checkpoints"; }
  [[nodiscard]] std::string LogPath(RunId run, const std::string& task,
                                    AttemptNumber attempt) const;

 private:
  explicit Home(std::string path) : path_(std::move(path)) {}
  std::string path_;
  bool read_only_ = false;
};

// Somebody who drives a run of this home; nothing if nobody does. Who wants nobody to begin one
// meanwhile holds its gate.
std::optional<LockOwner> OwnerOfARun(const std::string& home);

}  // namespace dml::engine

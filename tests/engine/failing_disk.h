#pragma once

#include <atomic>
#include <cerrno>
#include <string>
#include <utility>

#include "orchestrator/engine/store_files.h"

namespace dml::engine {

// The real disk until its n-th change, which fails with `code`, as do all after it until Mend().
class FailingDisk final : public StoreFiles {
 public:
  FailingDisk(int good_changes, int code) : left_(good_changes), code_(code) {}
  void Mend() { left_ = 1 << 30; }

  [[nodiscard]] Result<std::optional<std::vector<ArtifactFile>>> List(
      const std::string& folder) const override {
    return DiskFiles().List(folder);
  }
  [[nodiscard]] Result<Digest> Hash(const std::string& path) const override {
    return DiskFiles().Hash(path);
  }
  [[nodiscard]] BlobState Look(const std::string& blob, std::int64_t size,
                               const Digest& digest) const override {
    return DiskFiles().Look(blob, size, digest);
  }
  Result<void> Sync(const std::string& path) override {
    if (left_-- <= 0) return Failure("sync", path);
    return DiskFiles().Sync(path);
  }
  Result<void> Adopt(const std::string& path, const std::string& blob) override {
    if (left_-- <= 0) return Failure("link", path);
    return DiskFiles().Adopt(path, blob);
  }
  Result<void> SyncFolder(const std::string& path) override {
    if (left_-- <= 0) return Failure("sync", path);
    return DiskFiles().SyncFolder(path);
  }

 private:
  [[nodiscard]] Error Failure(const std::string& what, const std::string& path) const {
    return Error::System("cannot " + what + " '" + path + "'", code_);
  }
  std::atomic<int> left_;
  int code_;
};

}  // namespace dml::engine

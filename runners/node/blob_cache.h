#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/hash.h"
#include "base/result.h"
#include "runners/node/wire.h"

namespace dml::node {

// Immutable files named by their SHA-256 on one node: <root>/blobs/<2 hex>/<62 hex>, mode 0444. A
// cache: everything in it is also in some head's store, so what a crash of the machine may have
// torn is thrown away (the folder belongs to one boot). Single-threaded, but Ingest may be called
// from any thread.
class BlobCache {
 public:
  // Room that a blob must leave on the disk, for logs and records.
  static constexpr std::int64_t kReserveBytes = 16 << 20;

  // Empties the folder if it is of an earlier boot.
  static Result<BlobCache> Open(const std::string& root);

  [[nodiscard]] std::string PathOf(const Digest& digest) const;
  // Whether it is there; if so, it counts as used now.
  [[nodiscard]] bool Holds(const Digest& digest) const;
  // The size of what a broken transfer left.
  [[nodiscard]] std::int64_t PartialBytes(const Digest& digest) const;

  // A blob arrives: Begin, then Write in order, and the last byte verifies it and makes it visible.
  // A full disk is kEnvironment and leaves nothing behind; kBusy if somebody else sends the same.
  Result<void> Begin(const BlobRange& range);
  // True when the blob is complete.
  Result<bool> Write(const Digest& digest, std::int64_t offset, std::string_view bytes);
  // The connection that wrote it broke: what is there is kept for a resumption.
  void Suspend(const Digest& digest);

  // Gives a finished output a second name in the cache (a copy where links do not work).
  Result<void> Ingest(const std::string& path, const Digest& digest) const;

  // Removes blobs and remains of transfers not used for `age`; bytes freed.
  [[nodiscard]] std::int64_t Collect(Duration age) const;

 private:
  struct Arriving {
    int fd = -1;
    std::int64_t size = 0;
    std::int64_t offset = 0;
    Sha256 hash;
  };

  explicit BlobCache(std::string folder) : folder_(std::move(folder)) {}
  Result<void> Complete(const Digest& digest, Arriving& arriving);
  [[nodiscard]] std::string PartialPath(const Digest& digest) const;

  std::string folder_;
  std::map<Digest, Arriving> arriving_;
};

}  // namespace dml::node

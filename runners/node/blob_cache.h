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
#include "runners/node/shared_blobs.h"
#include "runners/node/wire.h"

namespace dml::node {

// Removes from a folder of blobs those with no other name that were not used for `age`, and remains
// of transfers of that age, but at least kTransferMax; bytes freed.
std::int64_t CollectBlobs(const std::string& folder, Duration age);

// A transfer that wrote nothing for this long is over.
inline constexpr Duration kTransferMax = Duration::Seconds(3600);

// Immutable files named by their SHA-256 on one node: <root>/blobs/<2 hex>/<62 hex>, mode 0444.
// What attempts need, and the outputs that no head has fetched yet, has a second name (a hard link)
// in the folder of its attempt; the rest is a cache: it is also in some head's store. What a crash
// of the machine may have torn is thrown away, as are all attempts (the folder belongs to one
// boot). Single-threaded, but Ingest may be called from any thread, and Collect from any process.
class BlobCache {
 public:
  // Room that a blob must leave on the disk, for logs and records.
  static constexpr std::int64_t kReserveBytes = 16 << 20;
  // A blob that needs room does not take that of others that an attempt may be about to need.
  static constexpr Duration kStagedMax = Duration::Seconds(3600);

  // Empties the folder if it is of an earlier boot.
  static Result<BlobCache> Open(const std::string& root);

  // Blobs of that folder count as held, too.
  void Share(const SharedBlobs& shared);

  [[nodiscard]] std::string PathOf(const Digest& digest) const;
  // Where it can be read: here, or in a shared folder.
  [[nodiscard]] std::string Find(const Digest& digest) const;
  // Whether it is there; if so, it counts as used now.
  [[nodiscard]] bool Holds(const Digest& digest) const;
  // The same, and gives it a name in `folder`, which exists: while that is there, Collect() leaves
  // it alone. Where links do not work, it only counts as used now.
  [[nodiscard]] bool Hold(const Digest& digest, const std::string& folder) const;
  // The size of what a broken transfer left; BlobState::kArriving if one is under way.
  [[nodiscard]] std::int64_t PartialBytes(const Digest& digest) const;

  // A blob arrives: Begin, then Write in order, and the last byte verifies it and makes it visible.
  // A full disk is kEnvironment and leaves nothing behind; kBusy if somebody else sends the same.
  Result<void> Begin(const BlobRange& range);
  // What is still to come of one that arrives.
  [[nodiscard]] std::optional<BlobRange> Rest(const Digest& digest) const;
  // True when the blob is complete.
  Result<bool> Write(const Digest& digest, std::int64_t offset, std::string_view bytes);
  // The connection that wrote it broke: what is there is kept for a resumption.
  void Suspend(const Digest& digest);
  // Removes what a transfer left that is not to be carried on; nothing if it is under way.
  void Discard(const Digest& digest) const;

  // Makes a finished output and its blob one file with two names, so that Collect() leaves it alone
  // while the output is there (a copy where links do not work).
  Result<void> Ingest(const std::string& path, const Digest& digest) const;

  // Removes blobs that nobody holds and that were not used for `age`, and remains of transfers of
  // that age, but at least kTransferMax; bytes freed.
  [[nodiscard]] std::int64_t Collect(Duration age) const { return CollectBlobs(folder_, age); }

  // The same before a full disk is a reason to refuse something, with any age; nothing where links
  // do not work, for nobody knows there what is held.
  [[nodiscard]] std::int64_t Evict(Duration age) const;

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
  std::vector<SharedBlobs> shared_;
  std::map<Digest, Arriving> arriving_;
};

}  // namespace dml::node

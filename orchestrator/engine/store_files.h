#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/artifact.h"
#include "base/hash.h"
#include "base/result.h"

namespace dml::engine {

// What a name of the store stands for.
enum class BlobState { kWhole, kDamaged, kGone };

// What the artifact store asks of a disk: the seam at which the simulation loses power and fills
// up. Thread-safe. Errors are kEnvironment and name the path; a full disk says what to do.
class StoreFiles {
 public:
  virtual ~StoreFiles() = default;
  // The regular files below `folder` by name, with sizes and without digests; nothing if there is
  // no such folder. Anything but files and folders in it is kTask.
  [[nodiscard]] virtual Result<std::optional<std::vector<ArtifactFile>>> List(
      const std::string& folder) const = 0;
  [[nodiscard]] virtual Result<Digest> Hash(const std::string& path) const = 0;
  // Whether `blob` is the file of this digest and size. One look is enough for a file that is
  // sealed (base/sealed_file.h); any other is read, and sealed again if it is what it should be.
  [[nodiscard]] virtual BlobState Look(const std::string& blob, std::int64_t size,
                                       const Digest& digest) const = 0;
  // Makes the content of a file survive a loss of power.
  virtual Result<void> Sync(const std::string& path) = 0;
  // Gives the content of `path` the name `blob` as well, whole or not at all, making its folder if
  // need be. A sealed file of the same size that has that name is this one and stays, any other is
  // damaged and gives way. `path` stays.
  virtual Result<void> Adopt(const std::string& path, const std::string& blob) = 0;
  // Makes the names in a folder, and the folder's own, survive a loss of power.
  virtual Result<void> SyncFolder(const std::string& path) = 0;
};

// The real one; remembers only which folders it has made lasting.
StoreFiles& DiskFiles();

}  // namespace dml::engine

#pragma once

#include <string>

#include "base/hash.h"
#include "base/result.h"

namespace dml::node {

// Blobs in a folder that a head and its nodes see under the same name (`shared_dir:`), on one file
// system: <shared_dir>/dml-blobs/<2 hex>/<62 hex>, mode 0444, in a folder of mode 0700. What a head
// puts there are further names of files in its store, so they cost nothing; a blob with no other
// name is garbage once it was not used for a while. That both ends see the same folder is never
// believed, but proved by a token that one writes and the other reads. Safe to use from any thread
// and any process.
class SharedBlobs {
 public:
  explicit SharedBlobs(const std::string& shared_dir) : folder_(shared_dir + "/dml-blobs") {}

  // Makes the folder and leaves `token` there under `name`; for heads.
  Result<void> LeaveToken(const std::string& name, const std::string& token) const;
  void RemoveToken(const std::string& name) const;
  // Whether the folder is this user's alone and holds that token; for agents.
  [[nodiscard]] bool HasToken(const std::string& name, const std::string& token) const;

  [[nodiscard]] const std::string& folder() const { return folder_; }
  [[nodiscard]] std::string PathOf(const Digest& digest) const;
  // Whether it is there; if so, it counts as used now.
  [[nodiscard]] bool Holds(const Digest& digest) const;
  // Gives the file another name here, without copying; false if that is impossible, or if the file
  // may be written: its owner may change it in place, and the blob with it.
  [[nodiscard]] bool Link(const std::string& path, const Digest& digest) const;
  // The same; copies if it must, and then checks the copy.
  Result<void> Put(const std::string& path, const Digest& digest) const;
  // Removes every blob and token, and the folder if nothing else is in it.
  Result<void> Remove() const;

 private:
  std::string folder_;
};

}  // namespace dml::node

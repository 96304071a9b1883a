#pragma once

#include <array>
#include <string>

#include "base/hash.h"

namespace dml::engine {

// One flight per key between processes: whoever makes a result holds its key, in all homes that
// share a store. Locks of the kernel on byte ranges of a few files: they cost one call each, and go
// with the process, however that ends. Not thread-safe; two objects exclude each other, also within
// a process.
class KeyLocks {
 public:
  // The files come into being in `folder` with the first lock.
  explicit KeyLocks(std::string folder) : folder_(std::move(folder)) { fds_.fill(-1); }
  ~KeyLocks();
  KeyLocks(const KeyLocks&) = delete;
  KeyLocks& operator=(const KeyLocks&) = delete;

  // False while somebody else holds the key. Where nothing can be locked everybody holds it: that
  // costs work done twice, and nothing else.
  bool TryTake(const Digest& key);
  void Release(const Digest& key);

 private:
  static constexpr std::size_t kFiles = 64;  // the kernel searches the locks of one file in a list

  int FileOf(const Digest& key);

  const std::string folder_;
  std::array<int, kFiles> fds_;
};

}  // namespace dml::engine

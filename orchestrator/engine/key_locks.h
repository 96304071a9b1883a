#pragma once

#include <array>
#include <cstring>
#include <string>
#include <unordered_set>

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

  // False while somebody else holds the key. Where nothing can be locked, or kHeldMax keys are held
  // already, everybody holds it: that costs work done twice, and nothing else.
  bool TryTake(const Digest& key);
  void Release(const Digest& key);

 private:
  // The kernel searches the locks of one file in a list: 100,000 of them would cost more than most
  // tasks that come in such numbers.
  static constexpr std::size_t kFiles = 64;
  static constexpr std::size_t kHeldMax = 4096;

  struct ByFirstBytes {
    std::size_t operator()(const Digest& key) const {
      std::size_t first = 0;
      std::memcpy(&first, key.bytes.data(), sizeof first);
      return first;
    }
  };

  int FileOf(const Digest& key);

  const std::string folder_;
  std::array<int, kFiles> fds_;
  std::unordered_set<Digest, ByFirstBytes> held_;
};

}  // namespace dml::engine

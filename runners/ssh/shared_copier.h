#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "base/hash.h"

namespace dml::ssh {

// Copies files into folders that nodes share with this machine, one after another, in a thread of
// its own: whoever asks has other things to do meanwhile.
class SharedCopier {
 public:
  struct Copy {
    std::string shared_dir;
    std::string path;
    Digest digest;
  };

  // `done` is called from the thread, with whether the blob is there now.
  explicit SharedCopier(std::function<void(const Copy&, bool there)> done);
  ~SharedCopier();  // what has not begun is dropped
  SharedCopier(const SharedCopier&) = delete;
  SharedCopier& operator=(const SharedCopier&) = delete;

  void Add(Copy copy);

 private:
  void Work();

  const std::function<void(const Copy&, bool)> done_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Copy> copies_;  // guarded by mutex_
  bool closing_ = false;     // guarded by mutex_
  std::jthread thread_;
};

}  // namespace dml::ssh

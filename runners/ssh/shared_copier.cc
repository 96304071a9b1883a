#include "runners/ssh/shared_copier.h"

#include <utility>

#include "runners/node/shared_blobs.h"

namespace dml::ssh {

SharedCopier::SharedCopier(std::function<void(const Copy&, bool)> done)
    : done_(std::move(done)), thread_([this] { Work(); }) {}

SharedCopier::~SharedCopier() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  changed_.notify_one();
}

void SharedCopier::Add(Copy copy) {
  {
    const std::lock_guard lock(mutex_);
    copies_.push_back(std::move(copy));
  }
  changed_.notify_one();
}

void SharedCopier::Work() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return closing_ || !copies_.empty(); });
    if (closing_) return;
    const Copy copy = std::move(copies_.front());
    copies_.pop_front();
    lock.unlock();
    done_(copy, node::SharedBlobs(copy.shared_dir).Put(copy.path, copy.digest).ok());
    lock.lock();
  }
}

}  // namespace dml::ssh

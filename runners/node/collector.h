#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "runners/node/blob_cache.h"
#include "runners/node/wire.h"

namespace dml::node {

// The outputs of an attempt, hashed and in the cache; or why not.
struct Collected {
  runners::AttemptExited exited;
  Result<std::vector<ArtifactFile>> outputs;
};

struct CollectJob {
  runners::AttemptExited exited;
  std::string folder;  // of the attempt
  std::vector<PortSpec> outputs;
  std::string shared_dir = {};  // the outputs go there, too; or empty
};

// Hashes what attempts left, in a thread of its own, in order.
class Collector {
 public:
  // `done` is called from the thread.
  Collector(const BlobCache& blobs, std::function<void(Collected)> done);
  ~Collector();
  Collector(const Collector&) = delete;
  Collector& operator=(const Collector&) = delete;

  void Add(CollectJob job);

 private:
  void Work();

  const BlobCache& blobs_;
  const std::function<void(Collected)> done_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<CollectJob> jobs_;  // guarded by mutex_
  bool closing_ = false;         // guarded by mutex_
  std::jthread thread_;
};

}  // namespace dml::node

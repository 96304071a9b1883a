#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <vector>

#include "plugins/learn/communicator.h"

namespace dml::learn {

// N ranks as threads of one process, for tests and for gangs on one machine. The group owns the
// mailboxes and must outlive the communicators it makes.
class ThreadGroup {
 public:
  explicit ThreadGroup(int size);
  ~ThreadGroup();
  ThreadGroup(const ThreadGroup&) = delete;
  ThreadGroup& operator=(const ThreadGroup&) = delete;

  [[nodiscard]] std::unique_ptr<Communicator> MakeRank(int rank);

 private:
  class Rank;

  // Waits until every rank has arrived.
  void Meet();

  const int size_;
  std::mutex mutex_;
  std::condition_variable arrived_;
  // Guarded by mutex_.
  int waiting_ = 0;
  std::uint64_t meeting_ = 0;
  // Written by its own rank before a meeting and read by others after it.
  std::vector<std::vector<std::byte>> boxes_;
};

}  // namespace dml::learn

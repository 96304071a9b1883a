#pragma once

#include <deque>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "plugins/table/table.h"

namespace dml::steps {

// Some columns of a table, with the partitions read last kept open: reading one checks every code
// and offset in it, which must not be repeated for each chunk of rows. Thread-safe.
class PartitionCache {
 public:
  PartitionCache(table::Table table, std::vector<std::string> columns)
      : table_(std::move(table)), columns_(std::move(columns)) {}

  Result<table::Batch> Read(std::size_t partition);

 private:
  // Threads that take chunks in order are at no more places than this, unless partitions are tiny.
  static constexpr std::size_t kKept = 4;

  const table::Table table_;
  const std::vector<std::string> columns_;
  std::mutex mutex_;
  std::deque<std::pair<std::size_t, table::Batch>> recent_;  // guarded by mutex_; newest last
};

}  // namespace dml::steps

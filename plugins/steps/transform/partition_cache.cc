#include "plugins/steps/transform/partition_cache.h"

namespace dml::steps {

Result<table::Batch> PartitionCache::Read(std::size_t partition) {
  // Held while reading: a thread that wants the same partition would read it again otherwise.
  const std::scoped_lock lock(mutex_);
  for (const auto& [number, batch] : recent_) {
    if (number == partition) return batch;
  }
  DML_TRY(table::Batch batch, table_.Read(partition, columns_));
  recent_.emplace_back(partition, batch);
  if (recent_.size() > kKept) recent_.pop_front();
  return batch;
}

}  // namespace dml::steps

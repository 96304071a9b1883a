#include "plugins/table/parallel_partitions.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <optional>
#include <thread>

namespace dml::table {

Result<void> ForEachPartition(std::size_t count, const LoadExecution& execution,
                              const std::function<Result<void>(std::size_t)>& work) {
  std::atomic<std::size_t> next{0};
  std::mutex mutex;
  // Guarded by mutex.
  std::size_t done = 0;
  std::size_t failed_number = count;
  std::optional<Error> failure;

  const auto run = [&] {
    for (std::size_t number = next++; number < count; number = next++) {
      auto result = execution.stop.stop_requested() ? Result<void>(Error::Cancelled("stopped"))
                                                    : work(number);
      const std::scoped_lock lock(mutex);
      if (!result.ok() && number < failed_number) {
        failed_number = number;
        failure = std::move(result).error();
      }
      if (failure) return;
      ++done;
      if (execution.progress) {
        execution.progress(static_cast<double>(done) / static_cast<double>(count), "");
      }
    }
  };
  {
    std::vector<std::jthread> threads;
    const auto wanted = static_cast<std::size_t>(std::max(1, execution.threads));
    for (std::size_t i = 1; i < std::min(wanted, count); ++i) threads.emplace_back(run);
    run();
  }
  if (failure) return *std::move(failure);
  return {};
}

}  // namespace dml::table

#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <thread>
#include <vector>

namespace dml::learn {

// Calls work(i) for every i < count, each once, from up to `threads` threads, and returns when all
// are done. Which thread takes which i is open: work must not depend on it, nor throw.
template <typename Work>
void ParallelFor(int threads, std::size_t count, const Work& work) {
  std::atomic<std::size_t> next{0};
  const auto drain = [&] {
    for (std::size_t i = next++; i < count; i = next++) work(i);
  };
  const std::size_t workers = std::min(static_cast<std::size_t>(std::max(threads, 1)), count);
  std::vector<std::jthread> pool;
  for (std::size_t k = 1; k < workers; ++k) pool.emplace_back(drain);
  drain();
}

}  // namespace dml::learn

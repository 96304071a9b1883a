#include "cli/cluster/each_host.h"

#include <algorithm>
#include <atomic>
#include <thread>

namespace dml::cli {

void ForEachHost(const std::vector<ssh::Host>& hosts,
                 const std::function<void(std::size_t)>& work) {
  std::atomic<std::size_t> next{0};
  std::vector<std::jthread> threads;
  const std::size_t count = std::min<std::size_t>(hosts.size(), kHostsAtOnceMax);
  for (std::size_t i = 0; i < count; ++i) {
    threads.emplace_back([&] {
      for (std::size_t at = next++; at < hosts.size(); at = next++) work(at);
    });
  }
}

}  // namespace dml::cli

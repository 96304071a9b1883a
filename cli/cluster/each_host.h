#pragma once

#include <functional>
#include <vector>

#include "runners/ssh/host.h"

namespace dml::cli {

// How many nodes are talked to at once.
inline constexpr int kHostsAtOnceMax = 64;

// Calls `work(position)` for every host, many at once, and returns when all are done. `work` keeps
// its own time limits; one bad node holds up nobody.
void ForEachHost(const std::vector<ssh::Host>& hosts, const std::function<void(std::size_t)>& work);

}  // namespace dml::cli

#pragma once

#include <cstddef>
#include <string>

#include "runners/ssh/bridge_link.h"
#include "runners/ssh/host.h"

namespace dml::ssh {

enum class Content {
  kNoise,  // nothing can compress it
  kText,   // packed, it is less than half as large
};

void WriteContent(const std::string& path, std::size_t mebibytes, Content content);

// One blob of that size from the agent of a node that is set up into a file of `folder`, verified
// against its digest and under its name, and one the other way; by turns with libssh alone, which
// carries as many bytes for `cat` and keeps none of them. Prints the medians, their ratio, and the
// processor time of this process for each.
void PrintBytesAlone(const Host& host, const WorkerProgram& worker, const std::string& folder,
                     std::size_t mebibytes, Content content);

}  // namespace dml::ssh

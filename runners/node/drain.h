#pragma once

#include <string>

#include "base/result.h"

// A node that is drained gets no new tasks, from nobody; what runs there goes on to its end. It
// stays so, also through restarts of its agent and of the machine, until somebody says otherwise:
// a file in its folder holds the reason.
namespace dml::node {

// The reason; empty if the node is not drained.
[[nodiscard]] std::string DrainReason(const std::string& root);

// An empty reason becomes "drained".
Result<void> Drain(const std::string& root, const std::string& reason);
Result<void> Undrain(const std::string& root);

}  // namespace dml::node

#pragma once

#include "runners/api/runner.h"

namespace dml::agent {

// How much of this machine the calling process may use: processors by affinity and by the quotas
// of its control groups, memory in all or by the limits of its control groups (versions 1 and 2).
[[nodiscard]] runners::Capacity MachineCapacity();

}  // namespace dml::agent

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "orchestrator/core/task_state.h"

namespace dml::report {

// What runs as one attempt (core/fusion.h), as the store has it, and what it asks for.
struct UnitFacts {
  std::string name;
  core::TaskState state = core::TaskState::kBlocked;
  std::vector<std::size_t> producers = {};  // positions among the units
  double cpus = 1;
  std::int64_t memory_bytes = 0;  // of its current or next attempt; 0: no reservation
};

// What a run shares out among its tasks. 0: nobody has written it down.
struct Room {
  double cpus = 0;
  std::int64_t memory_bytes = 0;
};

// Why a unit that is blocked or ready does not run, for people: whom it waits for, or what it asks
// for against what is in use. Empty for one in another state.
std::string WhyItWaits(std::span<const UnitFacts> units, std::size_t which, const Room& room);

}  // namespace dml::report

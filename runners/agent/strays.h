#pragma once

#include <functional>

namespace dml::agent {

// Processes that a command leaves behind in sessions and groups of their own, where no signal to
// its group finds them. They become children of whoever adopts them, once their parents are gone.

// From here on this process adopts what its descendants leave behind.
void AdoptStrays();

// Kills and buries every child of this process that is a stray, and what these leave behind in
// turn. Costs a system call if there is no child at all. For whoever has no other children running,
// or can tell them by `is_stray`.
void EndStrays(const std::function<bool(int pid)>& is_stray);

}  // namespace dml::agent

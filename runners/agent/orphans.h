#pragma once

#include <functional>
#include <string>

#include "base/result.h"

namespace dml::agent {

// Every process that a head starts, and all their descendants, carry this variable: whose they are.
// It finds what the death of a head and of its workers leaves running, whenever that happened, and
// without a record that could come too late.
inline constexpr char kOwnerVariable[] = "DML_OWNER";

// The value for processes of this one, working in the folder `home`; see home_id.h.
[[nodiscard]] std::string OwnerMark(const std::string& home);

// The value for processes of the agent of the folder `root`. They may outlive it: whoever takes
// them up knows them by their records, and no EndOrphans() touches them.
[[nodiscard]] std::string AgentMark(const std::string& root);

// Whether a process carries the mark of some head.
[[nodiscard]] bool IsMarked(int pid);

// Kills every process of this machine that belongs to a head of `home` that is dead, by whatever
// path that head had reached it, and returns once all of them are. Returns how many; kEnvironment
// if one does not die within seconds.
Result<int> EndOrphans(const std::string& home);

// The same for processes of dead agents of the folder `root`, but for those that `spared` says by
// their numbers, and their descendants: workers that still run what a later agent takes up.
Result<int> EndOrphansOfAgents(const std::string& root, const std::function<bool(int pid)>& spared);

}  // namespace dml::agent

#pragma once

#include "base/result.h"
#include "runners/node/agent.h"

namespace dml::node {

// Turns the calling process into the agent of `options.root`: detached from terminal and session,
// with its messages in <root>/agent.log, alone by a kernel lock on <root>/agent.lock, named in
// <root>/agent.pid. Returns to the caller's parent at once; the agent itself returns when it ends.
// kBusy if another agent has the folder.
Result<void> RunResident(const AgentOptions& options);

}  // namespace dml::node

#pragma once

#include "base/result.h"
#include "runners/node/agent.h"

namespace dml::node {

// Turns the calling process into the agent of `options.root`: detached from terminal and session,
// with its messages in <root>/agent.log, alone by a kernel lock on <root>/agent.lock, named in
// <root>/agent.pid. Returns in the calling process as soon as the agent listens, or why it will
// not; nothing is known, and nothing wrong, after kAgentStartMax. The agent itself never returns.
// kBusy if another agent has the folder.
Result<void> RunResident(const AgentOptions& options);

}  // namespace dml::node

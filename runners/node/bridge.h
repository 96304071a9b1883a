#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace dml::node {

// The first words of a bridge on its standard output, on a line of their own, followed by "ready
// <sha-256 of the program>" or "failed <why>" and a line break. Whatever a login shell printed
// before is not ours.
inline constexpr std::string_view kBridgeMarker = "\n<<dml-node 1>> ";

// What a verb of dml-worker says on both of its outputs before anything else: all that follows is
// the verb's, and so is how it ends.
inline constexpr std::string_view kVerbMarker = "<<dml-verb>>\n";

inline constexpr Duration kAgentStartMax = Duration::Seconds(10);
// How a program that was to become the agent ends if there is one already.
inline constexpr int kAgentThereExit = 4;

// Carries bytes between standard input and output and the agent of `root`, which is started with
// `agent_argv` if there is none; if that does not work, says why as soon as it is known. Ends when
// either side closes. Returns the exit code of the process.
int ServeBridge(const std::string& root, const std::vector<std::string>& agent_argv);

}  // namespace dml::node

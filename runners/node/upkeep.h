#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"

// What is done to the folder of a node from outside its agent, by short commands.
namespace dml::node {

// Ends what dead agents of `root` have left running, but for workers that still run an attempt, and
// what these have started. Returns how many processes.
Result<int> EndLeftovers(const std::string& root);

inline constexpr Duration kAgentStopMax = Duration::Seconds(15);
inline constexpr Duration kDeathMax = Duration::Seconds(10);

// {"agent": pid or 0, "running": N, "finished": N, "blobs": bytes, "drained": why or empty}.
[[nodiscard]] Json Survey(const std::string& root);

// Ends the agent of `root` and every attempt there, waits until their processes are gone, then
// removes what dml put there and, if nothing else is in them, the folders that were made for it;
// returns what is left in it, by name. Unless `force`, refuses (kBusy) while attempts run.
// kEnvironment, and nothing is removed, if a process does not end. What dml put into `shared_dir`,
// if there is one, goes too.
Result<std::vector<std::string>> TakeDown(const std::string& root, bool force,
                                          const std::string& shared_dir = "");

// What an attempt ended with waits so long for its head.
inline constexpr Duration kEndedMax = Duration::Seconds(24 * 3600);

// Removes blobs that were not used for `age` from the cache, and from the one in `shared_dir`, if
// there is one, checkpoints that nobody has touched for a week, and, where no agent is, attempts
// that ended longer ago than kEndedMax; the bytes of blobs freed.
Result<std::int64_t> CollectGarbage(const std::string& root, Duration age,
                                    const std::string& shared_dir = "");

}  // namespace dml::node

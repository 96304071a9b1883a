#pragma once

#include <string>
#include <vector>

#include "tests/ssh/sshd_fixture.h"

namespace dml::cluster {

// What the newest run of a home on a cluster left behind, against what a run of the same pipeline
// on one machine left in `reference`. One line for each thing that is wrong; empty is good:
//   * every task has succeeded by exactly one attempt, which was not given up before;
//   * the log of events replays to the tables; the store holds the same blobs, all undamaged;
//   * the log of every task, of the attempt that counts, is the same bytes;
//   * no process, attempt or temporary file is left here;
//   * no record, attempt, log or half a blob is left on any node, and no process but its agent and
//     the agent's idle workers.
// Waits a little for what ends by itself.
std::vector<std::string> CheckHistory(const std::string& home, const std::string& reference,
                                      ssh::SshdFixture& servers);

// How many attempts each task of the newest run took, in the order of tasks.
std::vector<int> AttemptsOf(const std::string& home);

}  // namespace dml::cluster

#pragma once

#include <string>
#include <vector>

namespace dml::state {

// Folds the event log of every run in the database and compares the outcome with the task table:
// numbers without gaps, each move from where the task was, no attempt committed twice, and the
// table equal to the fold. One line for each thing that is wrong; empty is good.
std::vector<std::string> ReplayLog(const std::string& database);

}  // namespace dml::state

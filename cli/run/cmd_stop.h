#pragma once

#include "cli/command.h"

namespace dml::cli {

// dml stop RUN: ends a run from outside. Exit 0 once none of its processes is left; 2 if it has
// ended already, 3 if it is driven by another machine or does not die.
Action SetupStop(Args& args, CommonOptions& common);

}  // namespace dml::cli

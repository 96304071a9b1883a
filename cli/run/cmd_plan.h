#pragma once

#include "cli/command.h"

namespace dml::cli {

// dml plan: says what a run would do and why, and does nothing. Exit 0; 2 if the pipeline is
// invalid, 3 if the home cannot be used.
Action SetupPlan(Args& args, CommonOptions& common);

}  // namespace dml::cli

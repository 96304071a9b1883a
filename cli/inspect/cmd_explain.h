#pragma once

#include "cli/command.h"

namespace dml::cli {

// dml explain TASK: says why a task ran, was reused, waits or did not run. Exit 0; 2 if there is no
// such run or task.
Action SetupExplain(Args& args, CommonOptions& common);

}  // namespace dml::cli

#pragma once

#include "cli/command.h"

namespace dml::cli {

// dml logs TASK: prints what a task wrote, with -f until it has ended or its run is dead. Exit 0,
// also if it wrote nothing; 2 if there is no such run or task, or it did not run.
Action SetupLogs(Args& args, CommonOptions& common);

}  // namespace dml::cli

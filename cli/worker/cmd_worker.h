#pragma once

#include "cli/command.h"

namespace dml::cli {

// dml worker: runs tasks for the process that has started it, until that closes the channel. Exit
// 0.
Action SetupWorker(Args& args, CommonOptions& common);

}  // namespace dml::cli

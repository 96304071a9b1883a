#pragma once

#include "cli/command.h"

namespace dml::cli {

// dml status: shows the tasks of a run. Exit 0, however the run has ended; 2 if there is none.
Action SetupStatus(Args& args, CommonOptions& common);

}  // namespace dml::cli

#pragma once

#include "cli/command.h"

namespace dml::cli {

// dml run: runs what is not up to date. Exit 0 if everything is; 1 if a task failed, 2 if every
// failure is one of the pipeline or its data, 3 if some failure is one of a disk, a worker or a
// node, 4 if this pipeline is being run already; 130 or 143 if a signal stopped it.
Action SetupRun(Args& args, CommonOptions& common);

}  // namespace dml::cli

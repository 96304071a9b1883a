#pragma once

#include "cli/command.h"

namespace dml::cli {

// dml resume: goes on with an unfinished run. The exit codes of `dml run`; 2 if there is nothing
// to resume, 4 if the run is at work.
Action SetupResume(Args& args, CommonOptions& common);

}  // namespace dml::cli

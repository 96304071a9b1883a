#pragma once

#include "cli/command.h"

namespace dml::cli {

// `dml keep --parent PID -- COMMAND...`: runs a command in this process group and ends as it ends.
// If the process that started it dies, the command and all that it has started end at once, in
// whatever session they are: what a worker does for a step.
Action SetupKeep(Args& args, CommonOptions& common);

}  // namespace dml::cli

#pragma once

#include "cli/command.h"

namespace dml::cli {

// dml completion SHELL: prints a completion script. Exit 0; 2 for a shell it does not know.
Action SetupCompletion(Args& args, CommonOptions& common);

}  // namespace dml::cli

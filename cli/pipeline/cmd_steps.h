#pragma once

#include "cli/command.h"

namespace dml::cli {

// dml steps: lists the step types, or describes one. Exit 0; 2 if there is no such type.
Action SetupSteps(Args& args, CommonOptions& common);

}  // namespace dml::cli

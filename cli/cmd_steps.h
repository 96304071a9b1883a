#pragma once

#include "cli/command.h"

namespace dml::cli {

Action SetupSteps(Args& args, CommonOptions& common);

}  // namespace dml::cli

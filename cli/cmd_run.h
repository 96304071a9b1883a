#pragma once

#include "cli/command.h"

namespace dml::cli {

Action SetupRun(Args& args, CommonOptions& common);

}  // namespace dml::cli

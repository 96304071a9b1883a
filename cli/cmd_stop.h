#pragma once

#include "cli/command.h"

namespace dml::cli {

Action SetupStop(Args& args, CommonOptions& common);

}  // namespace dml::cli

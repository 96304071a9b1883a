#pragma once

#include "cli/command.h"

namespace dml::cli {

Action SetupCompletion(Args& args, CommonOptions& common);

}  // namespace dml::cli

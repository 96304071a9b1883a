#pragma once

#include "cli/command.h"

namespace dml::cli {

Action SetupStatus(Args& args, CommonOptions& common);

}  // namespace dml::cli

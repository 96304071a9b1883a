#pragma once

#include "cli/command.h"

namespace dml::cli {

Action SetupLs(Args& args, CommonOptions& common);

}  // namespace dml::cli

#pragma once

#include "cli/command.h"

namespace dml::cli {

Action SetupVersion(Args& args, CommonOptions& common);

}  // namespace dml::cli

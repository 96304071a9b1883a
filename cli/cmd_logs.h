#pragma once

#include "cli/command.h"

namespace dml::cli {

Action SetupLogs(Args& args, CommonOptions& common);

}  // namespace dml::cli

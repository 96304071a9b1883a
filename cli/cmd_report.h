#pragma once

#include "cli/command.h"

namespace dml::cli {

Action SetupReport(Args& args, CommonOptions& common);

}  // namespace dml::cli

#pragma once

#include "cli/command.h"

namespace dml::cli {

Action SetupMetrics(Args& args, CommonOptions& common);

}  // namespace dml::cli

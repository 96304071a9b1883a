#pragma once

#include "cli/command.h"

namespace dml::cli {

Action SetupPlan(Args& args, CommonOptions& common);

}  // namespace dml::cli

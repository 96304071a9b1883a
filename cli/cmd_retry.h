#pragma once

#include "cli/command.h"

namespace dml::cli {

Action SetupRetry(Args& args, CommonOptions& common);

}  // namespace dml::cli

#pragma once

#include "cli/command.h"

namespace dml::cli {

Action SetupPredict(Args& args, CommonOptions& common);

}  // namespace dml::cli

#pragma once

#include "cli/command.h"

namespace dml::cli {

Action SetupGraph(Args& args, CommonOptions& common);

}  // namespace dml::cli

#pragma once

#include "cli/command.h"

namespace dml::cli {

Action SetupExplain(Args& args, CommonOptions& common);

}  // namespace dml::cli

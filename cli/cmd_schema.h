#pragma once

#include "cli/command.h"

namespace dml::cli {

Action SetupSchema(Args& args, CommonOptions& common);

}  // namespace dml::cli

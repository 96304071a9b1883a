#pragma once

#include "cli/command.h"

namespace dml::cli {

Action SetupValidate(Args& args, CommonOptions& common);

}  // namespace dml::cli

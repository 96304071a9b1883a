#pragma once

#include "cli/command.h"

namespace dml::cli {

Action SetupResume(Args& args, CommonOptions& common);

}  // namespace dml::cli

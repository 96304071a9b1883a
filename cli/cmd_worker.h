#pragma once

#include "cli/command.h"

namespace dml::cli {

Action SetupWorker(Args& args, CommonOptions& common);

}  // namespace dml::cli

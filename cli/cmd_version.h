#pragma once

#include "cli/command.h"

namespace dml::cli {

// dml version: prints the version. Exit 0.
Action SetupVersion(Args& args, CommonOptions& common);

}  // namespace dml::cli

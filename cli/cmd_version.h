#pragma once

#include "cli/command.h"

namespace dml::cli {

// dml version: prints the version, and that of the tables of a home. Exit 0.
Action SetupVersion(Args& args, CommonOptions& common);

}  // namespace dml::cli

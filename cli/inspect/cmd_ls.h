#pragma once

#include "cli/command.h"

namespace dml::cli {

// dml ls: lists the runs. Exit 0, also if there is none.
Action SetupLs(Args& args, CommonOptions& common);

}  // namespace dml::cli

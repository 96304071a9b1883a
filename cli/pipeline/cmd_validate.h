#pragma once

#include "cli/command.h"

namespace dml::cli {

// dml validate: reports everything that is wrong with a pipeline. Exit 0 if nothing is, else 2.
Action SetupValidate(Args& args, CommonOptions& common);

}  // namespace dml::cli

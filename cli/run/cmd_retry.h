#pragma once

#include "cli/command.h"

namespace dml::cli {

// dml retry: starts a run like an earlier one, in which what failed runs again. The exit codes of
// `dml run`.
Action SetupRetry(Args& args, CommonOptions& common);

}  // namespace dml::cli

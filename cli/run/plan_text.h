#pragma once

#include "base/result.h"
#include "cli/display/output.h"
#include "cli/exit_code.h"
#include "cli/run/run_options.h"

namespace dml::cli {

// `dml plan` and `dml run -n`: what would run, and why.
Result<ExitCode> PrintPlan(const RunArgs& args, const std::string& home, const Output& output);

}  // namespace dml::cli

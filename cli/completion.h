#pragma once

#include <string>

#include "base/result.h"

namespace dml::cli {

// A completion script generated from the command table: commands, options and their choices, step
// names (asked of `dml steps --names` when needed), files. `shell`: bash, zsh or fish.
Result<std::string> CompletionScript(const std::string& shell);

}  // namespace dml::cli

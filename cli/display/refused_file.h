#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "cli/display/output.h"
#include "pipelines/yaml/diagnostics.h"

namespace dml::cli {

// Prints everything that is wrong with a file that somebody wrote, in the format that was asked
// for. What is left to say of it, kInvalid: how much that was.
[[nodiscard]] Error RefusedFile(const std::string& path,
                                const std::vector<pipelines::Diagnostic>& diagnostics,
                                const Output& output);

}  // namespace dml::cli

#pragma once

#include <string>

#include "base/result.h"
#include "runners/api/runner.h"

namespace dml::agent {

// The files around a command. A command without declared inputs and outputs has none.

// Creates the work folder and puts the input files where they were declared: a port with one file
// as that file, any other as a folder, both by symbolic links.
Result<void> PrepareWorkFolder(const runners::LaunchSpec& spec);

// Moves the declared outputs to <attempt>/out/<port>/. One that is missing is kTask.
Result<void> CollectOutputs(const runners::LaunchSpec& spec);

void RemoveEmptyLog(const std::string& path);

}  // namespace dml::agent

#pragma once

#include "base/result.h"
#include "runners/api/runner.h"

namespace dml::ssh {

// Names the files of an attempt without "." and "..", as a node wants them: patterns, the files
// that they stand for, and the parameters and arguments that repeat a pattern. The head still finds
// them by the names that it had, which a folder that is a link may tell apart. kInvalid if two
// different files would get one name, or if a pattern would find less there than here.
Result<void> UsePlainNames(runners::LaunchSpec& spec);

}  // namespace dml::ssh

#pragma once

#include <string>

#include "base/result.h"
#include "runners/api/remote_files.h"

namespace dml::agent {

// The stamp of a regular file, or of what a link leads to. kInvalid if there is none, or it is
// something else; kEnvironment if nobody can tell.
Result<runners::FileStamp> StampOf(const std::string& path);

}  // namespace dml::agent

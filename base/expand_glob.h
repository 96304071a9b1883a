#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace dml {

// The files that a pattern names, sorted; the pattern itself if it has no *, ? or [. kInvalid if no
// file matches, kEnvironment if the folders cannot be listed. A key holds the contents of the very
// files that a step reads: both ask here.
[[nodiscard]] Result<std::vector<std::string>> ExpandGlob(const std::string& pattern);

}  // namespace dml

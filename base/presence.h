#pragma once

#include <string>

#include "base/result.h"

namespace dml {

// Whether there is anything at `path`, links followed. kEnvironment if that cannot be told, such as
// in a folder of somebody else: which is another thing than nothing.
[[nodiscard]] Result<bool> IsThere(const std::string& path);

}  // namespace dml

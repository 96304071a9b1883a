#pragma once

#include <set>
#include <string>

#include "base/result.h"

namespace dml::runners {

// Which outputs of an attempt could be executed when its command left them, as
// "<port>/<name within it>", in a file beside them. Their modes do not say: whoever takes a file
// into a store seals it, and a commit that was cut short has to find the same when it is done
// again.

// Replaces what was said before; none: there is no such file.
Result<void> NoteExecutables(const std::string& attempt_dir, const std::set<std::string>& names);

// Empty if nothing was said.
Result<std::set<std::string>> ReadExecutables(const std::string& attempt_dir);

}  // namespace dml::runners

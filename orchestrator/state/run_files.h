#pragma once

#include <string>
#include <string_view>

#include "base/ids.h"

namespace dml::state {

// Where the files of a run are inside the home folder. Writers and readers agree by using these.

// A task's name as one path component: bytes outside [A-Za-z0-9._@=,+-[]] become %XX, and a long
// name keeps its beginning and ends in a hash.
[[nodiscard]] std::string FileNameOf(std::string_view task);

[[nodiscard]] std::string RunPath(const std::string& home, RunId run);
[[nodiscard]] std::string AttemptPath(const std::string& home, RunId run, std::string_view task,
                                      AttemptNumber attempt);
[[nodiscard]] std::string LogPath(const std::string& home, RunId run, std::string_view task,
                                  AttemptNumber attempt);

}  // namespace dml::state

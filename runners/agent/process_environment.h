#pragma once

#include <string>

#include "base/result.h"

namespace dml::agent {

// The environment that a process was started with, entries ended by '\0', as /proc/<pid>/environ
// shows it. A process in the middle of execve() shows none: it is waited for, up to some seconds,
// so that an empty answer means an empty environment (or a process that has ended, or is of the
// kernel). kInvalid or kEnvironment if there is no such process, or it is somebody else's.
[[nodiscard]] Result<std::string> EnvironmentOf(int pid);

}  // namespace dml::agent

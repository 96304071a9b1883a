#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "runners/api/runner.h"

namespace dml::agent {

// What the system cannot pass to a program: an empty command, NUL bytes, variables without a name
// or with '=' in it. kInvalid.
Result<void> CheckTexts(const std::vector<std::string>& argv,
                        const std::map<std::string, std::string>& env);

// Why a command did not start, for people, from the errno of the attempt. The exit code is that of
// a shell: 127 for a program that is not there, else 126.
runners::ExitFailure WhyNotStarted(const runners::Command& command, const std::string& log_path,
                                   int code);

}  // namespace dml::agent

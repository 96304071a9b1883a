#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "runners/api/runner.h"

namespace dml::cli {

// The runner of this machine, whose workers are this program started as `dml worker`. `jobs`: cores
// to offer; 0: all of them. `home`: the folder whose runs it serves.
Result<std::unique_ptr<runners::Runner>> MakeLocalRunner(int jobs, const std::string& home,
                                                         runners::EventSink& events);

}  // namespace dml::cli

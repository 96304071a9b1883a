#pragma once

#include <memory>

#include "base/result.h"
#include "runners/api/runner.h"

namespace dml::cli {

// The runner of this machine, whose workers are this program started as `dml worker`. `jobs`: cores
// to offer; 0: all of them.
Result<std::unique_ptr<runners::Runner>> MakeLocalRunner(int jobs, runners::EventSink& events);

}  // namespace dml::cli

#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"
#include "runners/api/runner.h"

namespace dml::cli {

// Tasks of one processor that this machine runs side by side with `jobs` cores to offer; 0: all.
[[nodiscard]] int TasksAtOnce(int jobs);
// What a task may use of this machine's memory, in bytes, when so many run side by side: a quarter
// is left for pages of mapped files, the orchestrator, and what else runs here.
[[nodiscard]] std::int64_t MemoryShare(int tasks);

// The runner of this machine, whose workers are this program started as `dml worker`. `jobs`: cores
// to offer; 0: all of them. `home`: the folder whose runs it serves.
Result<std::unique_ptr<runners::Runner>> MakeLocalRunner(int jobs, const std::string& home,
                                                         runners::EventSink& events);

}  // namespace dml::cli

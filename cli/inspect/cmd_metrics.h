#pragma once

#include "cli/command.h"

namespace dml::cli {

// dml metrics: shows the metrics of a run, or compares two. Exit 0; 2 if there is no such run.
Action SetupMetrics(Args& args, CommonOptions& common);

}  // namespace dml::cli

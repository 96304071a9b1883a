#pragma once

#include "cli/command.h"

namespace dml::cli {

// dml predict MODEL DATA: applies a model to rows. Exit 0; 1 if a step fails, 2 if the model or
// the data are invalid, 3 if the predictions cannot be written; 130 if interrupted.
Action SetupPredict(Args& args, CommonOptions& common);

}  // namespace dml::cli

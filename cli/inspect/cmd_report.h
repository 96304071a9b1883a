#pragma once

#include "cli/command.h"

namespace dml::cli {

// dml report: writes a run as one HTML file. Exit 0; 2 if there is no such run, 3 if the file
// cannot be written.
Action SetupReport(Args& args, CommonOptions& common);

}  // namespace dml::cli

#pragma once

#include "cli/command.h"

namespace dml::cli {

// dml schema: prints the JSON Schema of the pipeline language. Exit 0.
Action SetupSchema(Args& args, CommonOptions& common);

}  // namespace dml::cli

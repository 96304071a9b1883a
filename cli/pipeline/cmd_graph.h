#pragma once

#include "cli/command.h"

namespace dml::cli {

// dml graph: prints the task graph for Graphviz or Mermaid. Exit 0; 2 if the pipeline is invalid.
Action SetupGraph(Args& args, CommonOptions& common);

}  // namespace dml::cli

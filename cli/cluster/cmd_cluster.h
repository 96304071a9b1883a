#pragma once

#include <span>

#include "cli/command.h"

namespace dml::cli {

// The members of `dml cluster`.
std::span<const Command> ClusterCommands();

Action SetupClusterCheck(Args& args, CommonOptions& common);
Action SetupClusterSetup(Args& args, CommonOptions& common);
Action SetupClusterAdd(Args& args, CommonOptions& common);
Action SetupClusterDrain(Args& args, CommonOptions& common);
Action SetupClusterUndrain(Args& args, CommonOptions& common);
Action SetupClusterLogs(Args& args, CommonOptions& common);
Action SetupClusterExec(Args& args, CommonOptions& common);
Action SetupClusterDown(Args& args, CommonOptions& common);
Action SetupClusterGc(Args& args, CommonOptions& common);
Action SetupClusterKey(Args& args, CommonOptions& common);
Action SetupClusterSchema(Args& args, CommonOptions& common);

}  // namespace dml::cli

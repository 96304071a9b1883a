#pragma once

#include <span>

#include "cli/command.h"

namespace dml::cli {

// The members of `dml schedule`.
std::span<const Command> ScheduleCommands();

Action SetupScheduleAdd(Args& args, CommonOptions& common);
Action SetupScheduleRm(Args& args, CommonOptions& common);
Action SetupScheduleLs(Args& args, CommonOptions& common);
Action SetupScheduleNext(Args& args, CommonOptions& common);
Action SetupScheduleHistory(Args& args, CommonOptions& common);
Action SetupSchedulePause(Args& args, CommonOptions& common);
Action SetupScheduleResume(Args& args, CommonOptions& common);
Action SetupScheduleBackfill(Args& args, CommonOptions& common);
Action SetupScheduleDaemon(Args& args, CommonOptions& common);
Action SetupScheduleInstall(Args& args, CommonOptions& common);
Action SetupScheduleUninstall(Args& args, CommonOptions& common);
Action SetupScheduleSlot(Args& args, CommonOptions& common);

}  // namespace dml::cli

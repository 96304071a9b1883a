#include "cli/schedule/cmd_schedule.h"

namespace dml::cli {

std::span<const Command> ScheduleCommands() {
  static constexpr Command kCommands[] = {
      {"add", "run a pipeline by the clock", SetupScheduleAdd},
      {"ls", "list the schedules", SetupScheduleLs},
      {"next", "show the next slots of a schedule, a pipeline or a cron expression",
       SetupScheduleNext},
      {"history", "show what became of the slots", SetupScheduleHistory},
      {"pause", "let slots pass without running them", SetupSchedulePause},
      {"resume", "end a pause", SetupScheduleResume},
      {"backfill", "run the slots of a time gone by", SetupScheduleBackfill},
      {"rm", "no longer run a pipeline by the clock", SetupScheduleRm},
      {"daemon", "start what is due, until it is told to stop", SetupScheduleDaemon},
      {"install", "let systemd or cron keep the daemon running", SetupScheduleInstall},
      {"uninstall", "remove what install has written", SetupScheduleUninstall},
      {"slot", "run one slot (started by the daemon)", SetupScheduleSlot, /*hidden=*/true},
  };
  return kCommands;
}

}  // namespace dml::cli

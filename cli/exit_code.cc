#include "cli/exit_code.h"

namespace dml::cli {

ExitCode ExitCodeOf(const Error& error) {
  switch (error.kind) {
    case ErrorKind::kInvalid:
      return ExitCode::kUsage;
    case ErrorKind::kTask:
      return ExitCode::kTaskFailed;
    case ErrorKind::kEnvironment:
      return ExitCode::kInfrastructure;
    case ErrorKind::kCancelled:
      return ExitCode::kInterrupted;
    case ErrorKind::kBusy:
      return ExitCode::kAlreadyRunning;
  }
  return ExitCode::kInfrastructure;
}

const char* const kExitCodesHelp =
    "Exit codes:\n"
    "  0 done or nothing to do      1 a task failed         2 usage, invalid pipeline or data\n"
    "  3 infrastructure             4 already running\n"
    "  130 interrupted (Ctrl-C)     143 terminated\n";

}  // namespace dml::cli

#pragma once

#include "base/result.h"

namespace dml::cli {

// What `dml` tells the shell. The numbers are documented and never change.
enum class ExitCode {
  kDone = 0,            // done, or nothing to do
  kTaskFailed = 1,      // a task failed
  kUsage = 2,           // wrong command line, invalid pipeline or invalid data
  kInfrastructure = 3,  // disk, store, node: not the pipeline's fault
  kAlreadyRunning = 4,  // another live dml is at the same run or pipeline
  kInterrupted = 130,   // SIGINT
  kTerminated = 143,    // SIGTERM
};

// The code of an error that ends the program.
ExitCode ExitCodeOf(const Error& error);

// The section at the end of every help page.
extern const char* const kExitCodesHelp;

}  // namespace dml::cli

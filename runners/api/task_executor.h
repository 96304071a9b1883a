#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "runners/api/runner.h"

namespace dml::runners {

// What a native task tells the outside while it runs. Thread-safe.
class TaskMonitor {
 public:
  virtual ~TaskMonitor() = default;
  virtual void Progress(double fraction, const std::string& note) = 0;
  virtual void Log(const std::string& line) = 0;
};

struct TaskOutcome {
  Json metrics = Json::object();
  std::vector<std::string> warnings;
};

// The body of a worker process: executes the native steps of a LaunchSpec and leaves its outputs
// in <attempt_dir>/out/<port>/. The composition root implements it over the step registry, so that
// runners know nothing of plugins. Called from one thread, one task at a time.
class TaskExecutor {
 public:
  virtual ~TaskExecutor() = default;
  virtual Result<TaskOutcome> Execute(const LaunchSpec& spec, TaskMonitor& monitor,
                                      std::stop_token stop) = 0;
  // Whether the outputs that a command has left are the tables and models that it declared: kTask
  // if one is not.
  virtual Result<void> CheckOutputs(const LaunchSpec& spec) = 0;
};

}  // namespace dml::runners

#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "pipelines/expressions/condition.h"
#include "pipelines/expressions/resolve.h"
#include "pipelines/task_decl.h"

namespace dml::pipelines {

// Where the values come from that a task waits for.
struct DeferredSources {
  MetricLookup metrics;
  EnvLookup env;
  FileReader read_file;
};

// A task's work with nothing left to fill in, ready to launch. It holds secrets: never store it.
struct FilledTask {
  Work work;
  std::map<std::string, std::string> env;
  std::vector<std::string> secrets;  // values to blot out of logs; none is empty
};

// Fills in the deferred values of `task`. Pure but for the sources. kTask if a metric does not
// exist or does not fit the parameter, kInvalid if a variable or file has gone; located at the
// step.
Result<FilledTask> FillDeferred(const TaskDecl& task, const DeferredSources& sources);

}  // namespace dml::pipelines

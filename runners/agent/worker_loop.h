#pragma once

#include "runners/api/task_executor.h"

namespace dml::agent {

// The body of a worker process: takes launches from `fd` one at a time and reports back on it,
// until the other end closes. Commands run in process groups of their own, native steps through
// `executor`. When the other end closes, running or not, whatever this worker started is killed and
// the call returns; only an attempt with a record path is first brought to its end and noted.
// Returns the exit code of the process.
int ServeWorker(int fd, runners::TaskExecutor& executor);

}  // namespace dml::agent

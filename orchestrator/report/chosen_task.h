#pragma once

#include <string>

#include "orchestrator/report/run_facts.h"

namespace dml::report {

// The task whose model a task of select.best kept; "" if `task` is another one, or it is not known
// what it read.
std::string ChosenTask(const RunFacts& run, const TaskFacts& task);

// "best kept model@C=1", a line for each task of select.best; "" without any.
std::string ChoicesText(const RunFacts& run);

}  // namespace dml::report

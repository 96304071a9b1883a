#pragma once

#include "orchestrator/report/run_facts.h"

namespace dml::report {

// A finished credit-risk run with a matrix, a retry, a failure and a panel of every type. Names and
// values hold markup, so that whatever is not escaped shows.
RunFacts SampleRun();

}  // namespace dml::report

#pragma once

#include "plugins/api/step.h"

namespace dml::steps {

// The steps that compute with rows by SQL and by keys, one file each.
plugins::StepType FilterStep();
plugins::StepType DeriveStep();
plugins::StepType AggregateStep();
plugins::StepType JoinStep();
plugins::StepType DeduplicateStep();
plugins::StepType QuerySqlStep();
plugins::StepType LoadSqliteStep();

}  // namespace dml::steps

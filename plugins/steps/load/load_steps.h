#pragma once

#include "plugins/api/step.h"

namespace dml::steps {

// The readers, one file each.
plugins::StepType LoadCsvStep();
plugins::StepType LoadJsonlStep();
plugins::StepType LoadSvmlightStep();
plugins::StepType LoadNpyStep();
plugins::StepType LoadIdxStep();

}  // namespace dml::steps

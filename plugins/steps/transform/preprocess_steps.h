#pragma once

#include "plugins/api/step.h"

namespace dml::steps {

// preprocess.drop_missing, the one step of the family that is no transform.
void RegisterDropMissing(plugins::StepRegistry& registry);

}  // namespace dml::steps

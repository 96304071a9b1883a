#pragma once

#include "plugins/api/step.h"

namespace dml::steps {

// preprocess.drop_missing, which passes rows on instead of the columns it makes of them.
void RegisterDropMissing(plugins::StepRegistry& registry);

}  // namespace dml::steps

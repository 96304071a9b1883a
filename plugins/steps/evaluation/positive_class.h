#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "base/param_spec.h"
#include "base/result.h"
#include "plugins/steps/evaluation/predictions.h"

namespace dml::steps {

// The parameter `positive`: a class as it is written in YAML, or null.
[[nodiscard]] ParamSpec PositiveSpec();

// Metrics are about the second of two classes. Exchanges the two, in the truth, in what the model
// says and in `classes`, if `positive` is the first; null changes nothing. kInvalid if there are
// not two classes, or `positive` is none of them.
Result<void> PutPositiveSecond(const Json& positive, ModelOutput& all,
                               std::vector<std::string>& classes);

}  // namespace dml::steps

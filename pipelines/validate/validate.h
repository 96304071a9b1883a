#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/step_spec.h"
#include "pipelines/expressions/resolve.h"
#include "pipelines/pipeline.h"
#include "pipelines/yaml/diagnostics.h"

namespace dml::pipelines {

// -S key=value, in the order of the command line.
using Overrides = std::vector<std::pair<std::string, std::string>>;

// Document -> Pipeline. Reports everything that is wrong; the result means something only if
// nothing was reported. Reads included files through `world`. The catalog must outlive the result.
Pipeline Validate(const std::shared_ptr<const Document>& document, const StepCatalog& catalog,
                  const World& world, const Overrides& overrides, Diagnostics& diagnostics);

}  // namespace dml::pipelines

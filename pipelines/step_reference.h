#pragma once

#include <string>

#include "base/step_spec.h"

namespace dml::pipelines {

// The reference of step types and transforms, from their declarations alone. Pure.

// `dml steps`: one line each, grouped by the part before the dot.
std::string StepListText(const StepCatalog& catalog);

// `dml steps NAME`: what it does, ports, parameters with types, defaults and bounds, metrics; a
// transform is found by its bare name. "" if there is no such step type.
std::string StepText(const StepCatalog& catalog, const std::string& name);

// All of it as a page (docs/steps.md).
std::string StepsMarkdown(const StepCatalog& catalog);

}  // namespace dml::pipelines

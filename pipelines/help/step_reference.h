#pragma once

#include <string>

#include "base/step_spec.h"

namespace dml::pipelines {

// The reference of step types and transforms, from their declarations alone. Pure.

// `dml steps`: one line each, grouped by the part before the dot.
std::string StepListText(const StepCatalog& catalog);

// `dml steps NAME`: what it does, an example, ports, parameters with types, defaults and bounds,
// metrics; a transform is found by its bare name. "" if there is no such step type.
std::string StepText(const StepCatalog& catalog, const std::string& name);

// `dml steps train`: one line for each of train.ridge, train.kmeans, ...; "" if there is none.
std::string FamilyText(const StepCatalog& catalog, const std::string& family);

}  // namespace dml::pipelines

#pragma once

#include "base/json.h"
#include "base/step_spec.h"

namespace dml::pipelines {

// The language as a JSON Schema (draft-07, which editors speak), for `dml schema`: completion,
// hover texts and checks while typing. Parameters are checked by the `uses` of their step; every
// value may be a ${...} reference instead. Looser than Validate where a schema cannot know. Pure.
Json MakeSchema(const StepCatalog& catalog);

}  // namespace dml::pipelines

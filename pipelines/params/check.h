#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/step_spec.h"
#include "pipelines/params/bind.h"
#include "pipelines/yaml/diagnostics.h"
#include "pipelines/yaml/document.h"

namespace dml::pipelines {

// Of the tasks of one step, this many have their parameters judged; what only a later combination
// shows is found when it runs.
inline constexpr std::size_t kCheckedTasksMax = 1000;

// The parameters of a step as they stand in the file.
struct WrittenParams {
  const Node* with = nullptr;  // null if there are none
  Place place;                 // of `uses:`, for what concerns the parameters as a whole
  // Pointers to those that are missing or were reported already.
  std::vector<std::string> refused = {};
};

// Pointers to the values that a binder has left open.
std::vector<std::string> OpenPointers(const BoundParams& params);

// Reports what the checks of the step type, and of the transforms inside its parameters, find wrong
// with `params`, each at the value that it names. `open` points to values that are not known yet:
// nothing that holds one is judged. What was refused counts as not given, and a problem that has to
// do with it, or says its name, may be gone when it is mended: it is not reported.
void CheckParams(const StepSpec& spec, const StepCatalog& catalog, const Json& params,
                 std::span<const std::string> open, const WrittenParams& written,
                 Diagnostics& diagnostics);

// Where `problem` stands.
Place PlaceOf(const ParamProblem& problem, const WrittenParams& written);

}  // namespace dml::pipelines

#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "base/param_spec.h"
#include "base/result.h"

namespace dml::steps {

inline constexpr char kClassWeightDoc[] =
    "balanced weighs classes alike, whatever their size; or a weight for each label, 1 for those "
    "left out; with `weight`, a size is a sum of weights, where scikit-learn 1.2 counts rows";

// The parameter `class_weight` of classifiers: none (the default), balanced, whatever else `words`
// names, or a mapping from labels to weights above 0.
[[nodiscard]] ParamSpec ClassWeightSpec(std::vector<std::string> words = {"none", "balanced"});

// The weights of a mapping by class index. kInvalid if it names what is none of `classes`.
Result<std::vector<double>> GivenClassWeights(const Json& class_weight,
                                              const std::vector<std::string>& classes);

}  // namespace dml::steps

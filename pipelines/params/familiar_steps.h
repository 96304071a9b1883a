#pragma once

#include <span>
#include <string>
#include <string_view>

namespace dml::pipelines {

// What to write for a step type or a transform that is written as scikit-learn or pandas call it,
// such as `StandardScaler` or `train.svm`, as a hint. Of what there is none of, the hint says so
// and names the nearest. "" if the name is not familiar, or what it stands for is not among
// `names`.
std::string HintForFamiliarStep(std::string_view name, std::span<const std::string> names);

}  // namespace dml::pipelines

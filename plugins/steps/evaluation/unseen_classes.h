#pragma once

#include <string>
#include <vector>

#include "plugins/steps/evaluation/predictions.h"
#include "plugins/steps/training/target.h"

namespace dml::steps {

// A table with more of them is not what the model was made for.
inline constexpr std::size_t kUnseenClassesMax = 1000;

// The classes among the values of the target (a view as in target.h) that are none of `known`, in
// their order. kInvalid if there are more than kUnseenClassesMax, or none of the classes is known:
// then the target is written in another way, or is another.
Result<std::vector<std::string>> FindUnseenClasses(const RowView& values, const Target& known);

// The truth has the model's `classes`, and after them those of `unseen`, which are appended to
// `classes` with a warning of their rows. One whose rows all weigh nothing is not: the row then
// counts, with its weight, for the model's first class.
void AppendUnseenClasses(const std::vector<std::string>& unseen, ModelOutput& all,
                         std::vector<std::string>& classes, std::vector<std::string>& warnings);

}  // namespace dml::steps

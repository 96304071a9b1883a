#pragma once

#include <string>
#include <vector>

#include "pipelines/pipeline.h"

namespace dml::pipelines {

inline constexpr std::size_t kTasksMax = 1'000'000;

// How many combinations there are; kTasksMax + 1 stands for more, and for more work with include
// and exclude than a moment allows.
std::size_t CountCombinations(const Matrix& matrix);

// The combinations of a matrix in the order of GitHub Actions: the first key varies slowest, then
// what `include` adds. `exclude` removes every combination that has all of its values. An `include`
// row extends the combinations that agree with it in the matrix keys it names, or is one of its
// own. The bindings point into the matrix.
std::vector<Bindings> Combine(const Matrix& matrix);

// "train@C=0.1,solver=lbfgs" or "load[3]". What is no letter, digit, or one of _.+-=,@:[] becomes
// '_', so that a name is good for a file; equal names get "~2", "~3".
std::vector<std::string> TaskNames(const std::string& step, const Matrix& matrix,
                                   const std::vector<Bindings>& combinations);

}  // namespace dml::pipelines

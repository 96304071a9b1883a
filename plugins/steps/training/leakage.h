#pragma once

#include <string>
#include <vector>

#include "plugins/steps/training/pipeline_fit.h"

namespace dml::steps {

// Signs that the features know the answer, as sentences: a feature whose correlation with the
// target (or, of two classes, with the class) is 1 but for rounding. One pass over the rows as the
// estimator saw them. Empty when nothing is suspicious, for several classes, and for sparse rows.
Result<std::vector<std::string>> FindLeakage(const TrainingRows& rows,
                                             const FittedPipeline& pipeline, bool allow_missing,
                                             const learn::Execution& execution);

}  // namespace dml::steps

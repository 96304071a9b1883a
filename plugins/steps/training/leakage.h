#pragma once

#include <string>
#include <vector>

#include "plugins/steps/training/pipeline_fit.h"

namespace dml::steps {

// Signs that the features know the answer.
struct Leakage {
  // Features whose correlation with the target (or, of two classes, with the class) is 1 but for
  // rounding, as sentences.
  std::vector<std::string> warnings;
  bool explained = false;          // a linear fit leaves nothing of the target; see ExplainsAll
  std::vector<double> deviations;  // how far each feature spreads, up to a factor; may be empty
};

// One pass over the rows as the estimator saw them. Nothing is found for several classes and for
// sparse rows.
Result<Leakage> FindLeakage(const TrainingRows& rows, const FittedPipeline& pipeline,
                            bool allow_missing, const learn::Execution& execution);

}  // namespace dml::steps

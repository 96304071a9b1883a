#pragma once

#include <string>
#include <vector>

#include "plugins/steps/training/pipeline_fit.h"

namespace dml::steps {

// Whether squared errors are so small beside the squared deviations of the target that only
// rounding, or a touch of penalty, can be left: measurements are never that exact.
[[nodiscard]] bool ExplainsAll(double squared_errors, double squared_deviations);

// The features that carry a fit, at most five: those whose weight times `deviations` (empty: whose
// weight or importance) is not small beside the largest. Empty if the estimator has no weights.
[[nodiscard]] std::vector<std::string> CarryingFeatures(const FittedPipeline& pipeline,
                                                        const std::vector<double>& deviations);

// What to tell of a fit that is perfect on its own rows, or of one whose held-out rows were all
// predicted as they are. Names those features.
[[nodiscard]] std::string TooGoodOnOwnRows(const std::string& target,
                                           const std::vector<std::string>& features);
[[nodiscard]] std::string TooGoodOnNewRows(const std::string& target,
                                           const std::vector<std::string>& features);

}  // namespace dml::steps

#pragma once

#include "plugins/learn/model_file.h"
#include "plugins/steps/training/pipeline_fit.h"

namespace dml::steps {

// What the report shows of a fit: weights or importances, the objective, scores by fold (if
// validated), the certificate.
[[nodiscard]] Json ModelPanels(const learn::Model& model, const CrossValidation* validation);

}  // namespace dml::steps

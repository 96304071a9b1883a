#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "plugins/steps/training/training.h"

namespace dml::steps {

// What a step's parameters tell of the task of its model, null where a value is not known yet;
// nothing if only the data tells.
using TaskHint = std::function<std::optional<learn::ModelTask>(const Json& params)>;
// The hint of a step type that has one task only.
[[nodiscard]] TaskHint Always(learn::ModelTask task);

enum class Supervised : bool { kNo, kYes };

// Declares what is known of the model of a train step before it runs, and the metrics that the step
// reports: those of all of them, scores of cross-validation if it is supervised, and `of_fit`, the
// numbers of its certificate. Its algorithm version, which must have been given, grows with those
// of the transforms.
void DeclareModel(StepSpec& spec, const TaskHint& task, Supervised supervised,
                  std::vector<MetricSpec> of_fit);

// Names in `validate.scoring` that are no scores, or none of that task.
void CheckScoring(const TrainingParams& params, std::optional<learn::ModelTask> task,
                  plugins::Problems& problems);

}  // namespace dml::steps

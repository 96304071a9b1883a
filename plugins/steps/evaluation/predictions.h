#pragma once

#include <span>
#include <string>
#include <vector>

#include "plugins/api/step.h"
#include "plugins/learn/metrics/score.h"
#include "plugins/learn/model_file.h"
#include "plugins/learn/scratch_memory.h"
#include "plugins/steps/training/design_matrix.h"

namespace dml::steps {

// What a model says of every row, with the truth beside it, and room to sort the rows. Beyond a
// quarter of the step's memory all of it lies in a file of its scratch folder, which metrics go
// through from end to end. Movable.
struct ModelOutput {
  learn::ScratchMemory memory;
  std::span<double> y;
  std::span<double> output;  // row-major
  std::span<double> weight;  // empty: every row counts once
  std::span<std::byte> room;

  // Borrowed, with the names of the classes; none for a regression. The last `unseen` of them are
  // not the model's.
  [[nodiscard]] learn::Predictions AsPredictions(const std::vector<std::string>& classes,
                                                 std::size_t unseen = 0) const {
    return {y, output, classes.size() - unseen, weight, classes, room, {}, unseen};
  }
};

// The matrix has a target. A prediction that is not finite is kInvalid with its row.
Result<ModelOutput> PredictAll(const learn::Predictor& predictor, const DesignMatrix& matrix,
                               const plugins::StepContext& context);

}  // namespace dml::steps

#pragma once

#include <cstdint>
#include <vector>

#include "base/step_spec.h"
#include "pipelines/pipeline.h"

namespace dml::pipelines {

// What is known of the model that each step makes, found by following models from step to step.
// Borrows the steps, which are checked but for what hangs on their models.
class ModelOutlooks {
 public:
  explicit ModelOutlooks(const std::vector<StepDecl>& steps)
      : steps_(steps), known_(steps.size()), marks_(steps.size()) {}

  // Of the models that a step is given, in the order of its inputs.
  [[nodiscard]] std::vector<ModelOutlook> Inputs(std::size_t step);
  [[nodiscard]] const ModelOutlook& Of(std::size_t step);

 private:
  enum class Mark : std::uint8_t { kNew, kOpen, kDone };

  [[nodiscard]] std::vector<std::size_t> Producers(std::size_t step) const;
  [[nodiscard]] ModelOutlook Forecast(std::size_t step) const;

  const std::vector<StepDecl>& steps_;
  std::vector<ModelOutlook> known_;
  std::vector<Mark> marks_;
};

// The step type of a native step and its parameters; null for a command or an unknown type.
[[nodiscard]] const NativeDecl* NativeOf(const StepDecl& step);

// Bound parameters with null for every value that is not known yet.
[[nodiscard]] Json WithNulls(const BoundParams& params);

}  // namespace dml::pipelines

#pragma once

#include <functional>
#include <string>
#include <vector>

#include "plugins/api/params.h"
#include "plugins/api/step.h"
#include "plugins/learn/execution.h"
#include "plugins/learn/predictor.h"

namespace dml::steps {

// What every train step shares.
struct TrainingParams {
  plugins::ColumnName target;     // not for clustering
  std::vector<std::string> drop;  // columns that are not features
};

// Adds `target` and `drop` to the schema of a step whose parameters derive from TrainingParams.
template <typename Params>
plugins::ParamSchema<Params> WithTraining(plugins::ParamSchema<Params> schema, bool supervised) {
  if (supervised) {
    schema
        .Add("target", static_cast<plugins::ColumnName Params::*>(&TrainingParams::target),
             "the column to predict")
        .Required();
  }
  schema.Add("drop", static_cast<std::vector<std::string> Params::*>(&TrainingParams::drop),
             "columns that are not features");
  return schema;
}

// Fits one estimator to rows; `classes` is 0 unless classifying.
using Fit = std::function<Result<learn::FitResult>(const learn::DataSource& source, int classes,
                                                   const learn::Execution& execution)>;

// The body of a train step: reads the input `data`, fits, and writes the outputs `model` (one file)
// and `report` (panels). The certificate becomes metrics, its warnings the step's.
Result<void> Train(const TrainingParams& params, learn::ModelTask task, bool allow_missing,
                   const Fit& fit, plugins::StepContext& context);

// The spec that train steps share.
StepSpec TrainingSpec(std::string name, std::string summary, std::string formula);

}  // namespace dml::steps

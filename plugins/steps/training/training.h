#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "plugins/api/params.h"
#include "plugins/api/step.h"
#include "plugins/learn/execution.h"
#include "plugins/learn/predictor.h"

namespace dml::steps {

// `validate:` of a train step. scikit-learn's defaults, except that rows are always shuffled.
struct ValidateParams {
  int folds = 5;
  std::vector<std::string> scoring;  // empty: accuracy, or r2
  plugins::ColumnName group;         // rows of a group stay in one fold; a feature like any other
  bool stratify = true;              // classes keep their shares in every fold
  std::uint64_t seed = 0;
  Json positive;  // of two classes, the one that scores are about; null: the second
};

// What every train step shares.
struct TrainingParams {
  plugins::ColumnName target;             // not for clustering and transforms
  plugins::ColumnName weight;             // rows of weight 2 count twice, except in `preprocess`
  std::vector<plugins::ColumnName> drop;  // columns that are not features
  Json preprocess = Json::array();
  std::optional<ValidateParams> validate;  // supervised only
};

// The labels by class index; empty unless classifying.
using ClassNames = std::vector<std::string>;

// Fits one estimator to rows.
using Fit = std::function<Result<learn::FitResult>(
    const learn::DataSource& source, const ClassNames& classes, const learn::Execution& execution)>;

// An estimator with its options bound, and what it asks of the data.
struct Estimator {
  learn::ModelTask task = learn::ModelTask::kRegression;
  bool allow_missing = false;
  Fit fit;
  // What a fit holds in memory, for those who run out of it; empty: nobody knows beforehand.
  std::function<std::uint64_t(std::uint64_t rows, std::size_t features)> bytes = {};
};

// Adds the shared parameters to the schema of a step whose parameters derive from TrainingParams.
template <typename Params>
plugins::ParamSchema<Params> WithTraining(plugins::ParamSchema<Params> schema, bool supervised);

// The body of a train step: reads the input `data`, fits preprocessing and estimator to all rows,
// cross-validates if asked (both refitted in each fold), and writes the outputs `model` (one file)
// and `report` (panels). The certificate becomes metrics, its warnings the step's.
Result<void> Train(const TrainingParams& params, const Estimator& estimator,
                   plugins::StepContext& context);

// The spec that train steps share.
StepSpec TrainingSpec(std::string name, std::string summary, std::string formula);

// Declarations of the shared parameters.
[[nodiscard]] ParamSpec PreprocessSpec();
[[nodiscard]] const plugins::ParamSchema<ValidateParams>& ValidateSchema();

// Finds columns that `preprocess` names although they are not among the features: the target, the
// weight, and what is dropped.
void CheckPreprocessColumns(const TrainingParams& params, plugins::Problems& problems);

template <typename Params>
plugins::ParamSchema<Params> WithTraining(plugins::ParamSchema<Params> schema, bool supervised) {
  using Shared = TrainingParams;
  if (supervised) {
    schema
        .Add("target", static_cast<plugins::ColumnName Params::*>(&Shared::target),
             "the column to predict")
        .Required();
  }
  schema
      .Add("weight", static_cast<plugins::ColumnName Params::*>(&Shared::weight),
           "a column of weights: a row of weight 2 counts as two rows, but as one in what "
           "`preprocess` fits")
      .Add("drop", static_cast<std::vector<plugins::ColumnName> Params::*>(&Shared::drop),
           "columns that are not features")
      .AddJson("preprocess", static_cast<Json Params::*>(&Shared::preprocess), PreprocessSpec(),
               "transforms fitted on the training rows and stored inside the model");
  if (supervised) {
    schema.AddObject("validate",
                     static_cast<std::optional<ValidateParams> Params::*>(&Shared::validate),
                     ValidateSchema(), "cross-validate: refit everything in each fold");
  }
  schema.Check([](const Params& params, plugins::Problems& problems) {
    CheckPreprocessColumns(params, problems);
  });
  return schema;
}

}  // namespace dml::steps

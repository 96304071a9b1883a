#pragma once

#include <memory>

#include "plugins/steps/training/design_matrix.h"
#include "plugins/steps/training/training.h"

namespace dml::steps {

// The rows a train step learns from, before preprocessing.
struct TrainingRows {
  table::Table table;
  RowView raw;  // the feature columns
  // Those of them that preprocessing, fitted to all of them, keeps: what the model is fitted to.
  RowView kept;
  Labels labels;
};

// Preprocessing and estimator, fitted to the same rows.
struct FittedPipeline {
  RowView rows;  // those rows, seen through the fitted preprocessing
  std::vector<std::string> feature_names;
  learn::FitResult fit;
};

// What a cache of tiles may use of a task's memory: half, because the estimator and the readers
// need the rest.
[[nodiscard]] std::uint64_t TileCacheBytes(const plugins::StepContext& context);
// Where its tiles go beyond that; "" for rows without preprocessing, which are as quickly read from
// the table again as from a scratch file.
Result<std::string> TileScratch(const Json& preprocess, const plugins::StepContext& context);

// Preprocessing fitted to the rows that `raw` shows, and these rows seen through it.
Result<RowView> FitPreprocessing(const TrainingParams& params, const RowView& raw,
                                 const plugins::StepContext& context);

// Fits the estimator to rows that preprocessing shows; `name` tells the checkpoints of the fits of
// a task apart. Tiles that do not fit into the memory of the context go to its scratch folder.
Result<FittedPipeline> FitEstimator(const TrainingParams& params, const Estimator& estimator,
                                    const TrainingRows& rows, const RowView& seen,
                                    const plugins::StepContext& context,
                                    const std::string& name = "fit");

// What cross-validation found.
struct CrossValidation {
  Json metrics = Json::object();  // {cv: {<score>: mean, <score>_std: ...}}, std over folds (n)
  std::vector<std::string> scores;
  std::vector<std::vector<double>> by_fold;  // [score][fold]
  bool perfect = false;  // every row was predicted as it is, by a model that had not seen it
  std::vector<std::string> warnings;
};

// Every row that the model is fitted to is predicted once, by the pipeline that was fitted without
// its fold, unless the preprocessing of that one drops it. kInvalid for unknown scores and for
// classes with fewer rows than folds.
Result<CrossValidation> CrossValidate(const TrainingParams& params, const Estimator& estimator,
                                      const TrainingRows& rows, plugins::StepContext& context);

}  // namespace dml::steps

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "plugins/learn/metrics/metric_registry.h"
#include "plugins/steps/evaluation/positive_class.h"
#include "plugins/steps/evaluation/predictions.h"
#include "plugins/steps/split/holdout.h"
#include "plugins/steps/split/row_keys.h"
#include "plugins/steps/training/perfect_fit.h"
#include "plugins/steps/training/pipeline_fit.h"
#include "plugins/steps/transform/chain.h"
#include "plugins/steps/transform/row_rule.h"

namespace dml::steps {

namespace {

using learn::ModelTask;

constexpr std::uint64_t kRowsToSurprise = 50;  // that a handful of classes is guessed is no sign

Result<std::vector<learn::Scorer>> FindScorers(const ValidateParams& params, ModelTask task) {
  std::vector<std::string> names = params.scoring;
  if (names.empty()) names.emplace_back(learn::DefaultScorer(task));
  std::vector<learn::Scorer> scorers;
  for (const std::string& name : names) {
    DML_TRY(learn::Scorer scorer, learn::FindScorer(name, task));
    scorers.push_back(std::move(scorer));
  }
  return scorers;
}

// A group larger than a fold makes folds uneven: the mean over folds then tells of few rows.
void WarnOfUnevenFolds(const ValidateParams& params, const std::vector<std::uint32_t>& fold_of,
                       std::vector<std::string>& warnings) {
  std::vector<std::uint64_t> rows(static_cast<std::size_t>(params.folds));
  for (const std::uint32_t fold : fold_of) ++rows[fold];
  const std::uint64_t even = fold_of.size() / rows.size();
  const auto [least, most] = std::ranges::minmax(rows);
  if (NearAskedShare(least, even, fold_of.size()) && NearAskedShare(most, even, fold_of.size())) {
    return;
  }
  const auto percent = [&](std::uint64_t count) {
    return 100.0 * static_cast<double>(count) / static_cast<double>(fold_of.size());
  };
  warnings.push_back(
      fmt::format("The folds test on {:.3g} % to {:.3g} % of the rows instead of {:.3g} % each, "
                  "because rows with the same '{}' stay together.",
                  percent(least), percent(most), percent(even), params.group.name));
}

// The group of each row that is kept, numbered in order of first appearance among them.
Result<std::vector<std::uint32_t>> GroupsOf(const TrainingRows& rows, const std::string& column) {
  DML_TRY(RowKeys keys, ReadRowKeys(rows.table, column));
  if (rows.kept.rows() == keys.numbers.size()) return std::move(keys.numbers);
  constexpr std::uint32_t kNone = ~std::uint32_t{0};
  std::vector<std::uint32_t> renumbered(keys.values.size(), kNone);
  std::vector<std::uint32_t> groups;
  std::uint32_t next = 0;
  for (std::uint64_t row = 0; row < rows.kept.rows(); ++row) {
    std::uint32_t& number = renumbered[keys.numbers[rows.kept.table_row(row)]];
    if (number == kNone) number = next++;
    groups.push_back(number);
  }
  return groups;
}

// The fold of each row that is kept.
Result<std::vector<std::uint32_t>> Folds(const ValidateParams& params, const TrainingRows& rows,
                                         std::vector<std::string>& warnings) {
  const auto folds = static_cast<std::uint32_t>(params.folds);
  if (rows.kept.rows() < folds) {
    return Error::Invalid(
        fmt::format("{} rows cannot be cut into {} folds", rows.kept.rows(), params.folds),
        "ask for fewer folds");
  }
  if (!params.group.empty()) {
    DML_TRY(const std::vector<std::uint32_t> groups, GroupsOf(rows, params.group.name));
    DML_TRY(std::vector<std::uint32_t> fold_of, AssignFoldsGrouped(groups, folds, params.seed));
    WarnOfUnevenFolds(params, fold_of, warnings);
    return fold_of;
  }
  const Target& target = rows.labels.target;
  if (target.classes.empty() || !params.stratify) {
    return AssignFolds(rows.kept.rows(), folds, params.seed);
  }
  DML_TRY(const RowView values, TargetValues(rows.table, target.column, rows.kept));
  DML_TRY(const std::vector<double> truth, ReadTarget(values, target));
  std::vector<std::uint32_t> classes;
  std::vector<std::uint64_t> counts(target.classes.size());
  for (const double label : truth) {
    classes.push_back(static_cast<std::uint32_t>(label));
    ++counts[classes.back()];
  }
  const auto least = std::ranges::min_element(counts);
  if (*least < folds) {
    return Error::Invalid(
        fmt::format("the class '{}' has {} row{}, fewer than the {} folds",
                    target.classes[static_cast<std::size_t>(least - counts.begin())], *least,
                    *least == 1 ? "" : "s", params.folds),
        "ask for fewer folds, merge rare classes, or set stratify: false");
  }
  return AssignFoldsStratified(classes, folds, params.seed);
}

// The rows of the table that are in a fold, and all others. Rows that the model is not fitted to
// are in no fold: they are among the others, as they are in training, where the preprocessing of
// the fold drops them in its turn.
struct FoldRows {
  std::vector<std::uint64_t> inside;
  std::vector<std::uint64_t> outside;
};

FoldRows RowsOfFold(const std::vector<std::uint32_t>& fold_of, std::uint32_t fold,
                    const TrainingRows& rows) {
  FoldRows out;
  std::uint64_t next = 0;  // among those kept
  for (std::uint64_t row = 0; row < rows.raw.rows(); ++row) {
    const bool kept = next < rows.kept.rows() && rows.kept.table_row(next) == row;
    const bool inside = kept && fold_of[next] == fold;
    (inside ? out.inside : out.outside).push_back(row);
    if (kept) ++next;
  }
  return out;
}

// What the pipeline says of rows it has not seen, but for those it drops.
Result<ModelOutput> PredictRows(const FittedPipeline& pipeline, const TrainingRows& rows,
                                const RowView& held, bool allow_missing,
                                const plugins::StepContext& context) {
  DML_TRY(const auto matrix, DesignMatrix::Make(rows.table, held, rows.labels, allow_missing));
  return PredictAll(*pipeline.fit.predictor, *matrix, context);
}

// The rows of a fold as a pipeline that was fitted without them sees them.
Result<RowView> HeldRows(const FittedPipeline& pipeline, const RowView& raw, std::uint32_t fold,
                         const plugins::StepContext& context, std::vector<std::string>& warnings) {
  learn::Execution execution;
  execution.threads = context.threads;
  execution.stop = context.stop;
  DML_TRY(RowView held, ThroughChain(pipeline.rows, raw, execution));
  const DroppedRows dropped = DescribeDropped(held);
  if (dropped.rows == 0) return held;
  if (held.rows() == 0) {
    return Error::Invalid(
        fmt::format("its preprocessing drops every row to test on ({})", dropped.by),
        "put it before the transforms that learn from rows, or in a step before this one");
  }
  warnings.push_back(fmt::format("Fold {}: its preprocessing drops {} to test on ({}).", fold + 1,
                                 dropped.share, dropped.by));
  return held;
}

// Whether every row is predicted as it is: exactly its class, or its value but for rounding.
bool IsPerfect(const learn::Predictions& predictions) {
  if (predictions.classes == 0) {
    double errors = 0.0;
    double mean = 0.0;
    for (const double y : predictions.y) mean += y / static_cast<double>(predictions.rows());
    double deviations = 0.0;
    for (std::size_t row = 0; row < predictions.rows(); ++row) {
      const double error = predictions.y[row] - predictions.output[row];
      errors += error * error;
      deviations += (predictions.y[row] - mean) * (predictions.y[row] - mean);
    }
    return ExplainsAll(errors, deviations);
  }
  for (std::size_t row = 0; row < predictions.rows(); ++row) {
    const auto output = predictions.output.subspan(row * predictions.classes, predictions.classes);
    const auto best = std::ranges::max_element(output) - output.begin();
    if (static_cast<double>(best) != predictions.y[row]) return false;
  }
  return true;
}

void Summarise(CrossValidation& result) {
  for (std::size_t s = 0; s < result.scores.size(); ++s) {
    const std::vector<double>& values = result.by_fold[s];
    double sum = 0.0;
    for (const double value : values) sum += value;
    const double mean = sum / static_cast<double>(values.size());
    double squares = 0.0;
    for (const double value : values) squares += (value - mean) * (value - mean);
    Json& cv = result.metrics["cv"];
    cv[result.scores[s]] = mean;
    cv[result.scores[s] + "_std"] = std::sqrt(squares / static_cast<double>(values.size()));
  }
}

// Which fold each row is in, and what is asked of the folds.
struct Folding {
  std::vector<std::uint32_t> fold_of;
  std::vector<learn::Scorer> scorers;
};

// Fits to the other folds' rows and scores what that says of this fold's.
Result<void> ScoreFold(const TrainingParams& params, const Estimator& estimator,
                       const TrainingRows& rows, const Folding& folding, std::uint32_t fold,
                       plugins::StepContext& context, CrossValidation& result) {
  FoldRows fold_rows = RowsOfFold(folding.fold_of, fold, rows);
  DML_TRY(const RowView seen,
          FitPreprocessing(params, rows.raw.Select(std::move(fold_rows.outside)), context));
  DML_TRY(const FittedPipeline pipeline,
          FitEstimator(params, estimator, rows, seen, context, fmt::format("fold-{}", fold)));
  DML_TRY(const RowView test, HeldRows(pipeline, rows.raw.Select(std::move(fold_rows.inside)), fold,
                                       context, result.warnings));
  DML_TRY(ModelOutput held, PredictRows(pipeline, rows, test, estimator.allow_missing, context));
  std::vector<std::string> classes = rows.labels.target.classes;
  DML_RETURN_IF_ERROR(PutPositiveSecond(params.validate->positive, held, classes));
  const learn::Predictions predictions = held.AsPredictions(classes);
  result.perfect = result.perfect && IsPerfect(predictions);
  for (std::size_t s = 0; s < folding.scorers.size(); ++s) {
    const learn::Scorer& scorer = folding.scorers[s];
    const learn::Score score = scorer(predictions);
    if (!score.defined()) {
      return Error::Invalid(fmt::format("{} is undefined: {}", scorer.name, score.note),
                            "ask for fewer folds, or score something else");
    }
    if (!score.note.empty()) {
      result.warnings.push_back(
          fmt::format("{} in fold {}: {}", scorer.name, fold + 1, score.note));
    }
    result.by_fold[s].push_back(*score.value);
  }
  if (!pipeline.fit.certificate.converged) {
    result.warnings.push_back(fmt::format("The fit of fold {} did not converge: {}.", fold + 1,
                                          pipeline.fit.certificate.stopped_because));
  }
  return {};
}

}  // namespace

Result<CrossValidation> CrossValidate(const TrainingParams& params, const Estimator& estimator,
                                      const TrainingRows& rows, plugins::StepContext& context) {
  const ValidateParams& validate = *params.validate;
  Folding folding;
  DML_TRY(folding.scorers, FindScorers(validate, estimator.task));
  CrossValidation result;
  DML_TRY(folding.fold_of, Folds(validate, rows, result.warnings));
  for (const learn::Scorer& scorer : folding.scorers) result.scores.push_back(scorer.name);
  result.by_fold.resize(folding.scorers.size());
  result.perfect = true;
  for (int fold = 0; fold < validate.folds; ++fold) {
    if (context.monitor != nullptr) {
      context.monitor->Progress(static_cast<double>(fold + 1) / (validate.folds + 1),
                                fmt::format("fold {} of {}", fold + 1, validate.folds));
    }
    Result<void> scored = ScoreFold(params, estimator, rows, folding,
                                    static_cast<std::uint32_t>(fold), context, result);
    if (scored.ok()) continue;
    return std::move(scored).error().Within(fmt::format("fold {} of {}", fold + 1, validate.folds));
  }
  if (!rows.labels.target.classes.empty() && rows.kept.rows() < kRowsToSurprise) {
    result.perfect = false;
  }
  Summarise(result);
  return result;
}

}  // namespace dml::steps

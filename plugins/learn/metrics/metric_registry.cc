#include "plugins/learn/metrics/metric_registry.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "base/suggest.h"
#include "plugins/learn/metrics/confusion.h"
#include "plugins/learn/metrics/probability.h"
#include "plugins/learn/metrics/regression.h"

namespace dml::learn {

namespace {

using P = const Predictions&;

// scikit-learn's "f1", "precision" and "recall" are those of class 1 of two.
Score OfPositiveClass(P p, Score (ConfusionMatrix::*figure)(std::size_t) const) {
  if (p.classes != 2) {
    return Score::Undefined(
        fmt::format("This metric is of two classes and there are {}: choose an averaged one, such "
                    "as f1_macro.",
                    p.classes));
  }
  const ConfusionMatrix matrix(p);
  return CountedAsZero(matrix, (matrix.*figure)(1));
}

template <ClassMetric kMetric, Average kAverage>
Score AveragedOver(P p) {
  return Averaged(ConfusionMatrix(p), kMetric, kAverage);
}

std::vector<MetricInfo> ClassificationMetrics() {
  constexpr auto kTask = ModelTask::kClassification;
  using C = ConfusionMatrix;
  return {
      {"accuracy",
       kTask,
       true,
       "Share of rows whose class of highest probability is the true one.",
       {},
       "",
       [](P p) { return C(p).Accuracy(); }},
      {"balanced_accuracy",
       kTask,
       true,
       "Mean recall over the classes that occur.",
       {},
       "",
       [](P p) { return C(p).BalancedAccuracy(); }},
      {"roc_auc",
       kTask,
       true,
       "Area under the ROC curve; with more than two classes one against the rest, averaged "
       "evenly.",
       {"roc_auc_ovr"},
       "",
       [](P p) { return RocAuc(p); }},
      {"roc_auc_ovr_weighted",
       kTask,
       true,
       "ROC area one against the rest, averaged by support.",
       {},
       "",
       [](P p) { return RocAuc(p, OneVsRest::kWeighted); }},
      {"average_precision",
       kTask,
       true,
       "Area under the precision-recall curve, not interpolated.",
       {"pr_auc"},
       "",
       [](P p) { return AveragePrecision(p); }},
      {"log_loss",
       kTask,
       false,
       "Mean of - log of the probability of the true class.",
       {},
       "neg_log_loss",
       [](P p) { return LogLoss(p); }},
      {"brier_score",
       kTask,
       false,
       "Mean squared error of the probabilities.",
       {"brier_score_loss"},
       "neg_brier_score",
       [](P p) { return BrierScore(p); }},
  };
}

std::vector<MetricInfo> PositiveClassMetrics() {
  constexpr auto kTask = ModelTask::kClassification;
  using C = ConfusionMatrix;
  return {
      {"f1",
       kTask,
       true,
       "Harmonic mean of precision and recall of the second of two classes.",
       {},
       "",
       [](P p) { return OfPositiveClass(p, &C::F1); }},
      {"precision",
       kTask,
       true,
       "Share of true ones among the rows called the second class.",
       {},
       "",
       [](P p) { return OfPositiveClass(p, &C::Precision); }},
      {"recall",
       kTask,
       true,
       "Share of the rows of the second class that are found.",
       {},
       "",
       [](P p) { return OfPositiveClass(p, &C::Recall); }},
  };
}

std::vector<MetricInfo> AveragedMetrics() {
  using C = ConfusionMatrix;
  using M = ClassMetric;
  using A = Average;
  const auto metric = [](std::string_view name, std::string_view doc, Score (*compute)(P)) {
    return MetricInfo{name, ModelTask::kClassification, true, doc, {}, "", compute};
  };
  return {
      metric("f1_macro", "F1 of each class, averaged evenly.", AveragedOver<M::kF1, A::kMacro>),
      metric("f1_weighted", "F1 of each class, averaged by support.",
             AveragedOver<M::kF1, A::kWeighted>),
      metric("f1_micro", "F1 over all decisions: the accuracy.", AveragedOver<M::kF1, A::kMicro>),
      metric("precision_macro", "Precision of each class, averaged evenly.",
             AveragedOver<M::kPrecision, A::kMacro>),
      metric("precision_weighted", "Precision of each class, averaged by support.",
             AveragedOver<M::kPrecision, A::kWeighted>),
      metric("precision_micro", "Precision over all decisions: the accuracy.",
             AveragedOver<M::kPrecision, A::kMicro>),
      metric("recall_macro", "Recall of each class, averaged evenly.",
             AveragedOver<M::kRecall, A::kMacro>),
      metric("recall_weighted", "Recall of each class, averaged by support.",
             AveragedOver<M::kRecall, A::kWeighted>),
      metric("recall_micro", "Recall over all decisions: the accuracy.",
             AveragedOver<M::kRecall, A::kMicro>),
      {"matthews_corrcoef",
       ModelTask::kClassification,
       true,
       "Correlation of true and predicted classes.",
       {"mcc"},
       "",
       [](P p) {
         const C matrix(p);
         return CountedAsZero(matrix, matrix.Mcc());
       }},
  };
}

std::vector<MetricInfo> RegressionMetrics() {
  constexpr auto kTask = ModelTask::kRegression;
  return {
      {"r2", kTask, true, "Share of the target's variance that is explained.", {}, "", R2},
      {"rmse",
       kTask,
       false,
       "Root of the mean squared error.",
       {"root_mean_squared_error"},
       "neg_root_mean_squared_error",
       RootMeanSquaredError},
      {"mse",
       kTask,
       false,
       "Mean squared error.",
       {"mean_squared_error"},
       "neg_mean_squared_error",
       MeanSquaredError},
      {"mae",
       kTask,
       false,
       "Mean absolute error.",
       {"mean_absolute_error"},
       "neg_mean_absolute_error",
       MeanAbsoluteError},
      {"mape",
       kTask,
       false,
       "Mean absolute error relative to the target, as a fraction.",
       {"mean_absolute_percentage_error"},
       "neg_mean_absolute_percentage_error",
       MeanAbsolutePercentageError},
      {"median_absolute_error",
       kTask,
       false,
       "Median of the absolute errors.",
       {"median_ae"},
       "neg_median_absolute_error",
       MedianAbsoluteError},
      {"explained_variance",
       kTask,
       true,
       "Like r2, but blind to a constant error.",
       {},
       "",
       ExplainedVariance},
      {"max_error", kTask, false, "The largest absolute error.", {}, "neg_max_error", MaxError},
  };
}

bool Answers(const MetricInfo& metric, std::string_view name) {
  return metric.name == name || (!name.empty() && metric.negated == name) ||
         std::ranges::find(metric.aliases, name) != metric.aliases.end();
}

}  // namespace

std::span<const MetricInfo> Metrics() {
  static const std::vector<MetricInfo> all = [] {
    std::vector<MetricInfo> metrics = ClassificationMetrics();
    for (MetricInfo& metric : PositiveClassMetrics()) metrics.push_back(std::move(metric));
    for (MetricInfo& metric : AveragedMetrics()) metrics.push_back(std::move(metric));
    for (MetricInfo& metric : RegressionMetrics()) metrics.push_back(std::move(metric));
    return metrics;
  }();
  return all;
}

Score Scorer::operator()(const Predictions& predictions) const {
  Score score = metric->compute(predictions);
  if (negate && score.defined()) score.value = -*score.value;
  return score;
}

Result<Scorer> FindScorer(std::string_view name, ModelTask task) {
  std::vector<std::string> candidates;
  const MetricInfo* of_other_task = nullptr;
  for (const MetricInfo& metric : Metrics()) {
    if (Answers(metric, name)) {
      if (metric.task == task) {
        return Scorer{&metric, std::string(name), name == metric.negated};
      }
      of_other_task = &metric;
    }
    if (metric.task != task) continue;
    candidates.emplace_back(metric.name);
    if (!metric.negated.empty()) candidates.emplace_back(metric.negated);
  }
  std::string hint = DidYouMean(name, candidates);
  if (hint.empty()) {
    hint = candidates.empty() ? "leave out `scoring`"
                              : fmt::format("use one of {}", fmt::join(candidates, ", "));
  }
  if (of_other_task != nullptr) {
    const bool other = of_other_task->task == ModelTask::kRegression;
    return Error::Invalid(fmt::format("'{}' is a metric of {}, not of this model", name,
                                      other ? "regression" : "classification"),
                          std::move(hint));
  }
  return Error::Invalid(fmt::format("there is no metric '{}'", name), std::move(hint));
}

std::string_view DefaultScorer(ModelTask task) {
  switch (task) {
    case ModelTask::kClassification:
      return "accuracy";
    case ModelTask::kRegression:
      return "r2";
    case ModelTask::kClustering:
    case ModelTask::kTransform:
      return "";
  }
  DML_UNREACHABLE("every task is handled");
}

Classes ScoredFor(const MetricInfo& metric) {
  const std::string_view name = metric.name;
  // Of two classes the micro averages are the accuracy, and there is one ROC curve.
  if (name.ends_with("_micro") || name == "roc_auc_ovr_weighted") return Classes::kMore;
  const bool binary = name == "f1" || name == "precision" || name == "recall";
  return binary ? Classes::kTwo : Classes::kAny;
}

std::vector<NamedScore> AllScores(ModelTask task, const Predictions& predictions) {
  const Classes others = predictions.classes == 2 ? Classes::kMore : Classes::kTwo;
  std::vector<NamedScore> scores;
  for (const MetricInfo& metric : Metrics()) {
    if (metric.task != task) continue;
    if (ScoredFor(metric) == others) continue;
    scores.push_back({std::string(metric.name), metric.compute(predictions)});
  }
  return scores;
}

Result<void> CheckPredictions(const Predictions& p) {
  const std::size_t width = std::max<std::size_t>(p.classes, 1);
  if (p.output.size() != p.rows() * width) {
    return Error::Invalid(fmt::format("{} rows need {} predicted values, not {}", p.rows(),
                                      p.rows() * width, p.output.size()));
  }
  if (!p.weight.empty() && p.weight.size() != p.rows()) {
    return Error::Invalid(fmt::format("{} weights for {} rows", p.weight.size(), p.rows()));
  }
  for (std::size_t i = 0; i < p.rows(); ++i) {
    const double y = p.y[i];
    const bool is_class =
        y >= 0 && y < static_cast<double>(p.classes + p.unseen) && y == std::floor(y);
    if (p.classes > 0 ? !is_class : !std::isfinite(y)) {
      return Error::Invalid(fmt::format("{} is not a valid target", y))
          .At(fmt::format("row {}", i + 1));
    }
    if (!(p.w(i) >= 0) || std::isinf(p.w(i))) {
      return Error::Invalid(
                 fmt::format("the weight {} is not a finite number of at least 0", p.w(i)))
          .At(fmt::format("row {}", i + 1));
    }
    for (const double value : p.output.subspan(i * width, width)) {
      if (!std::isfinite(value)) {
        return Error::Invalid(fmt::format("the prediction {} is not finite", value))
            .At(fmt::format("row {}", i + 1));
      }
    }
  }
  return {};
}

}  // namespace dml::learn

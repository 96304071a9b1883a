#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "plugins/learn/metrics/score.h"
#include "plugins/learn/predictor.h"

namespace dml::learn {

// A metric that `scoring:` may name. Names are those of scikit-learn's scorers; an error measure
// has a plain name ("rmse": less is better) and scikit-learn's negated ones
// ("neg_root_mean_squared_error": greater is better), which give the value with its sign changed.
struct MetricInfo {
  std::string_view name;
  ModelTask task = ModelTask::kClassification;
  bool greater_is_better = true;
  std::string_view doc;
  std::vector<std::string_view> aliases;  // the same value
  std::string_view negated;               // scikit-learn's name of minus the value; may be empty
  Score (*compute)(const Predictions&) = nullptr;
};

// All of them, in the order in which reports show them. Clustering has its own: clustering.h.
[[nodiscard]] std::span<const MetricInfo> Metrics();

// A metric as the user named it.
struct Scorer {
  const MetricInfo* metric = nullptr;
  std::string name;
  bool negate = false;

  [[nodiscard]] bool greater_is_better() const { return metric->greater_is_better != negate; }
  [[nodiscard]] Score operator()(const Predictions& predictions) const;
};

// By name, alias or negated name; unknown ones and those of another task are kInvalid with a
// suggestion.
[[nodiscard]] Result<Scorer> FindScorer(std::string_view name, ModelTask task);

// For how many classes AllScores gives a metric.
enum class Classes : std::uint8_t { kAny, kTwo, kMore };
[[nodiscard]] Classes ScoredFor(const MetricInfo& metric);

// What cross-validation reports if the user names nothing: accuracy or r2.
[[nodiscard]] std::string_view DefaultScorer(ModelTask task);

struct NamedScore {
  std::string name;
  Score score;
};

// Every metric of the task that says something about so many classes (clustering has none here).
[[nodiscard]] std::vector<NamedScore> AllScores(ModelTask task, const Predictions& predictions);

// Sizes agree, class indices are in range, numbers are finite, weights are not negative: else an
// error with the row. Metrics rely on it.
[[nodiscard]] Result<void> CheckPredictions(const Predictions& predictions);

}  // namespace dml::learn

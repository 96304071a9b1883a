#include "plugins/steps/training/perfect_fit.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace dml::steps {

namespace {

constexpr double kRounding = 1e-6;       // share of the target's variance that may be left
constexpr double kCarries = 1e-3;        // of what the strongest feature carries
constexpr std::size_t kFeaturesMax = 5;  // that are worth a name

std::string Advice(const std::vector<std::string>& features) {
  if (features.empty()) {
    return "Look for columns that are only known after the fact, and drop them.";
  }
  std::string names;
  for (std::size_t i = 0; i < features.size(); ++i) {
    if (i > 0) names += i + 1 == features.size() ? " and " : ", ";
    names += fmt::format("'{}'", features[i]);
  }
  const bool one = features.size() == 1;
  return fmt::format(
      "Most of it comes from {}, which may know the answer: drop {} unless {} known "
      "before the fact.",
      names, one ? "it" : "them", one ? "it is" : "they are");
}

}  // namespace

bool ExplainsAll(double squared_errors, double squared_deviations) {
  return squared_deviations > 0.0 && squared_errors <= kRounding * squared_deviations;
}

std::vector<std::string> CarryingFeatures(const FittedPipeline& pipeline,
                                          const std::vector<double>& deviations) {
  std::vector<double> carried = pipeline.fit.predictor->FeatureWeights();
  if (carried.size() != pipeline.feature_names.size()) return {};
  const std::string_view kind = pipeline.fit.predictor->kind();
  const bool trees = kind == "decision_tree" || kind == "random_forest";  // importances
  for (std::size_t i = 0; i < carried.size(); ++i) {
    carried[i] = std::fabs(carried[i]);
    if (!trees && deviations.size() == carried.size()) carried[i] *= deviations[i];
  }
  std::vector<std::size_t> order(carried.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, std::greater<>(), [&](std::size_t i) { return carried[i]; });
  std::vector<std::string> names;
  for (const std::size_t i : order) {
    if (names.size() == kFeaturesMax || !(carried[i] > kCarries * carried[order[0]])) break;
    names.push_back(pipeline.feature_names[i]);
  }
  return names;
}

std::string TooGoodOnOwnRows(const std::string& target, const std::vector<std::string>& features) {
  return fmt::format("The fit is perfect: nothing of the target '{}' is left unexplained. {}",
                     target, Advice(features));
}

std::string TooGoodOnNewRows(const std::string& target, const std::vector<std::string>& features) {
  return fmt::format(
      "Cross-validation is perfect: models predicted the target '{}' of every row "
      "without having seen it. {}",
      target, Advice(features));
}

}  // namespace dml::steps

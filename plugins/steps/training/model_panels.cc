#include "plugins/steps/training/model_panels.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "plugins/api/panel.h"

namespace dml::steps {

namespace {

constexpr std::size_t kBarsMax = 40;

Json WeightsPanel(const learn::Model& model, const std::vector<double>& weights) {
  const std::vector<std::string>& names = model.feature_names;
  std::vector<std::size_t> order(names.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, std::greater<>(),
                           [&](std::size_t i) { return std::fabs(weights[i]); });
  order.resize(std::min(order.size(), kBarsMax));
  std::vector<std::string> labels;
  std::vector<double> values;
  for (const std::size_t i : order) {
    labels.push_back(names[i]);
    values.push_back(weights[i]);
  }
  const std::string_view kind = model.predictor->kind();
  const bool trees = kind == "decision_tree" || kind == "random_forest";
  std::string title = trees ? "Feature importances" : "Feature weights";
  if (names.size() > kBarsMax) {
    title += fmt::format(": the {} largest of {}", kBarsMax, names.size());
  }
  return plugins::BarsPanel(title, labels, values);
}

// Of principal components, which come in the order of their shares.
Json VariancePanel(const std::vector<double>& shares, double total) {
  const std::size_t shown = std::min(shares.size(), kBarsMax);
  std::vector<std::string> labels;
  for (std::size_t k = 0; k < shown; ++k) labels.push_back(fmt::format("component {}", k + 1));
  return plugins::BarsPanel(fmt::format("Explained variance: {:.4g} of it by {} component{}", total,
                                        shares.size(), shares.size() == 1 ? "" : "s"),
                            labels,
                            {shares.begin(), shares.begin() + static_cast<std::ptrdiff_t>(shown)});
}

Json FoldsPanel(const CrossValidation& validation) {
  std::vector<std::string> columns{"fold"};
  columns.insert(columns.end(), validation.scores.begin(), validation.scores.end());
  std::vector<std::vector<Json>> rows;
  for (std::size_t fold = 0; fold < validation.by_fold[0].size(); ++fold) {
    std::vector<Json> row{fold + 1};
    for (const std::vector<double>& score : validation.by_fold) row.emplace_back(score[fold]);
    rows.push_back(std::move(row));
  }
  return plugins::TablePanel("Cross-validation", columns, rows);
}

}  // namespace

Json ModelPanels(const learn::Model& model, const CrossValidation* validation) {
  Json panels = Json::array();
  const std::vector<double> weights = model.predictor->FeatureWeights();
  if (!weights.empty() && weights.size() == model.feature_names.size()) {
    panels.push_back(WeightsPanel(model, weights));
  }
  const Json& numbers = model.certificate.numbers;
  if (const auto shares = numbers.find("explained_variance_ratio"); shares != numbers.end()) {
    panels.push_back(
        VariancePanel(*shares, numbers.at("explained_variance_ratio_total").get<double>()));
  }
  if (validation != nullptr) panels.push_back(FoldsPanel(*validation));
  const learn::Certificate& certificate = model.certificate;
  if (certificate.objective_history.size() > 1) {
    std::vector<double> steps(certificate.objective_history.size());
    std::iota(steps.begin(), steps.end(), 0.0);
    panels.push_back(plugins::LinesPanel("Objective", "iteration", "objective",
                                         {{"objective", steps, certificate.objective_history}}));
  }
  std::vector<std::string> notes{
      fmt::format("The fit {}: {}.", certificate.converged ? "converged" : "did not converge",
                  certificate.stopped_because)};
  notes.insert(notes.end(), certificate.warnings.begin(), certificate.warnings.end());
  const bool good = certificate.converged && certificate.warnings.empty();
  panels.push_back(plugins::NotesPanel("Certificate", good ? "good" : "warning", notes));
  return panels;
}

}  // namespace dml::steps
